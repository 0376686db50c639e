"""The command consumer: turns a message into requests of nodes, and writes what came of it, once.

Theory of operation. A command has no power of its own: it is checked here, and compare-and-set into ``request.<node>``,
one field a kind; the lease holder reads it there. Its id is its sequence, so a redelivered message finds its ``outcome``
already written, or writes the same fields again, which changes nothing. It expires 10 minutes after the server's
timestamp, so a consumer that was away for an hour wipes nothing that its sender has forgotten. A command that names what
its sender saw (``after``, ``digest``) is refused for a node where that has changed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workflows.engine.ask import same_pair_of_eyes
from workflows.engine.choose import Choice, choose_workflow
from workflows.engine.look import View, look
from workflows.engine.ports import Bus, Clock, Message, Store
from workflows.engine.selector import select
from workflows.model.command import (
    EXPIRY,
    VERBS,
    Ask,
    Command,
    CommandOutcome,
    NodeAnswer,
    Request,
    Verb,
    parse_command,
)
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Conflict
from workflows.model.journal import Phase
from workflows.model.settings import SiteSettings

_FIELD = {
    Verb.APPROVE: "approval",
    Verb.DENY: "approval",
    Verb.CANCEL: "cancel",
    Verb.HOLD: "hold",
    Verb.UNHOLD: "hold",
    Verb.RETRY: "resume",
}


@dataclass(frozen=True, slots=True)
class Commands:
    """Consumes ``command.>`` of one site. ``nodes`` gives the present desired states, to resolve selectors."""

    store: Store
    bus: Bus
    clock: Clock
    settings: SiteSettings
    nodes: Callable[[], Iterable[Desired]]

    async def serve(self) -> None:
        """Take commands for ever."""
        async for message in self.bus.consume("commands", f"command.*.*.{self.settings.site}"):
            await self.take(message)

    async def take(self, message: Message) -> CommandOutcome:
        """One message; its outcome is written once under ``outcome.<sequence>``."""
        key = f"outcome.{message.sequence}"
        before = await self.store.get(key)
        if before.data is not None:
            return CommandOutcome.decode(before.data)
        outcome = await self._outcome(message)
        try:
            await self.store.put(key, outcome.encode(), expect=before.seq)
        except Conflict:
            return CommandOutcome.decode((await self.store.get(key)).data or b"{}")
        return outcome

    async def _outcome(self, message: Message) -> CommandOutcome:
        trusted = frozenset(self.settings.trusted_senders)
        parts = [*message.subject.split("."), "", ""][:3]
        try:
            command = parse_command(message.subject, message.data, message.sequence, message.time, trusted)
            if self.clock.now() - message.time > EXPIRY:
                raise BadInput("the command expired: it was sent more than 10 minutes ago")
            targets = select(command.body.select, self.nodes())
        except BadInput as error:
            await self.bus.publish(
                "dead.command",
                f"{message.subject} #{message.sequence}: {error}".encode(),
                dedupe=f"command.{message.sequence}",
            )
            return CommandOutcome(
                sequence=message.sequence, verb=parts[2][:50], who=parts[1][:200], accepted=False, text=str(error)
            )
        answers = [await self._ask(command, node) for node in targets]
        good = sum(a.accepted for a in answers)
        return CommandOutcome(
            sequence=command.sequence,
            verb=command.verb,
            who=command.who,
            accepted=good > 0,
            text=f"{command.verb} was taken for {good} of {len(answers)} nodes",
            nodes=tuple(answers),
        )

    async def _ask(self, command: Command, desired: Desired) -> NodeAnswer:
        """Put the request of one node, if it fits what is going on there."""
        while True:
            view = await look(self.store, desired.node)
            refusal = _refusal(command, view, self.settings)
            if refusal:
                return NodeAnswer(node=desired.node, label=desired.label, accepted=False, text=refusal)
            value = await self.store.get(f"request.{desired.node}")
            request = Request.decode(value.data) if value.data is not None else Request(node=desired.node)
            ask = Ask(
                sequence=command.sequence,
                at=command.at,
                verb=command.verb,
                who=command.who,
                reason=command.body.reason,
                release=command.body.release,
                cause=view.open_run.cause if view.open_run is not None else None,
                digest=command.body.digest,
            )
            if view.open_run is None and view.desired is not None:
                chosen = choose_workflow(view.desired, view.status, self.settings, view.run, ask)
                if chosen.choice is Choice.REFUSED:
                    return NodeAnswer(node=desired.node, label=desired.label, accepted=False, text=chosen.reason)
            field = _FIELD.get(command.verb, "start")
            try:
                await self.store.put(value.key, request.model_copy(update={field: ask}).encode(), expect=value.seq)
            except Conflict:
                continue
            await self.bus.wake(desired.node)
            return NodeAnswer(node=desired.node, label=desired.label, accepted=True, text=_taken(command, view))


def _refusal(command: Command, view: View, settings: SiteSettings) -> str:
    """Why a command doesn't fit a node now; empty where it does."""
    run, state, verb = view.open_run, view.state, command.verb
    newest = view.run.cause if view.run is not None else None
    if command.body.after is not None and command.body.after != newest:
        return f"its newest run is {newest}, not {command.body.after} as you saw: look again"
    if VERBS[verb].starts is not None:
        return f"run {run.cause} ({run.workflow}) is open: cancel it first" if run is not None else ""
    if verb is Verb.RETRY and run is None:
        return "" if view.status.outcome in ("failed", "cancelled", "denied") else "its newest run did not fail"
    if run is None:
        return "no run is open"
    digest = state.last.digest if state.phase is Phase.PARKED and state.last is not None else ""
    match verb:
        case Verb.APPROVE | Verb.DENY if not digest:
            return "it doesn't wait for approval"
        case Verb.APPROVE if command.body.digest is not None and command.body.digest != digest:
            return "what you saw has changed since: look again"
        case Verb.APPROVE if command.service and settings.four_eyes:
            return f"{command.who} is no person: under four eyes a person approves"
        case Verb.APPROVE if same_pair_of_eyes(run.asked_by, command.who, settings):
            return f"{run.asked_by} asked for it: under four eyes another person approves"
        case Verb.RETRY if state.phase is not Phase.PARKED or digest:
            return "it isn't parked on a fault" if not digest else "it waits for approval: approve or deny it"
        case Verb.UNHOLD if state.phase is not Phase.HELD:
            return "it isn't held"
    return ""


def _taken(command: Command, view: View) -> str:
    rule = VERBS[command.verb]
    if rule.starts is not None:
        return f"asked for {rule.starts}; run c{command.sequence} opens if nothing forbids it"
    if view.open_run is None:
        return f"asked for another {view.status.workflow}; run c{command.sequence} opens if nothing forbids it"
    return f"asked run {view.open_run.cause} to {command.verb}"
