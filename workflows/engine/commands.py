"""The command consumer: turns a message into requests of nodes, and writes what came of it, once.

Theory of operation. A command has no power of its own: it is checked here, and compare-and-set into ``request.<node>``,
one field a kind; the lease holder reads it there. Its id is its sequence, so a redelivered message finds its ``outcome``
already written, or writes the same fields again, which changes nothing. It expires 10 minutes after the server's
timestamp, so a consumer that was away for an hour wipes nothing that its sender has forgotten. A command that names what
its sender saw (``after``, ``digest``) is refused for a node where that has changed. What may destroy the data of many
nodes becomes one campaign instead.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workflows.engine.campaign import Preview
from workflows.engine.campaign_commands import CampaignCommands
from workflows.engine.choose import Choice, choose_workflow
from workflows.engine.look import View, look
from workflows.engine.ports import Bus, Clock, Message, Store
from workflows.engine.requests import ask_of, put_ask, refused
from workflows.engine.selector import select
from workflows.model.campaign import campaign_of
from workflows.model.command import EXPIRY, VERBS, Command, CommandOutcome, NodeAnswer, Verb, parse_command
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Conflict
from workflows.model.keys import Cause, cause_of_command
from workflows.model.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class Commands:
    """Consumes ``command.>`` of one site. ``nodes`` gives the present desired states, to resolve selectors; ``preview`` says
    what would run on one.
    """

    store: Store
    bus: Bus
    clock: Clock
    settings: SiteSettings
    preview: Preview
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
            if (campaign := campaign_of(command.body.select)) is not None:
                return await self._campaigns.answer(command, campaign)
            targets = select(command.body.select, self.nodes())
            if self._is_campaign(command, targets):
                return await self._campaigns.propose(command, targets)
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

    @property
    def _campaigns(self) -> CampaignCommands:
        return CampaignCommands(self.store, self.bus, self.clock, self.settings, self.preview)

    def _is_campaign(self, command: Command, targets: Sequence[Desired]) -> bool:
        rule = VERBS[command.verb]
        return rule.starts is not None and rule.dangerous and len(targets) >= self.settings.campaign_from

    async def _ask(self, command: Command, desired: Desired) -> NodeAnswer:
        """Put the request of one node, if it fits what is going on there."""
        while True:
            view = await look(self.store, desired.node)
            refusal = refused(command, view, self.settings)
            if refusal:
                return NodeAnswer(node=desired.node, label=desired.label, accepted=False, text=refusal)
            ask = ask_of(command, cause=_about(command, view))
            if ask.cause is None and view.desired is not None:
                chosen = choose_workflow(view.desired, view.status, self.settings, view.run, ask)
                if chosen.choice is Choice.REFUSED:
                    return NodeAnswer(node=desired.node, label=desired.label, accepted=False, text=chosen.reason)
            if not await put_ask(self.store, desired.node, ask):
                continue
            await self.bus.wake(desired.node)
            return NodeAnswer(node=desired.node, label=desired.label, accepted=True, text=_taken(command, view))


def _about(command: Command, view: View) -> Cause | None:
    """The run that a command is about: the open one, or the one that a cancel keeps from opening. None: it asks for one."""
    if view.open_run is not None:
        return view.open_run.cause
    if command.verb is Verb.CANCEL and view.start_ask is not None:
        return cause_of_command(view.start_ask.sequence)
    return None


def _taken(command: Command, view: View) -> str:
    rule = VERBS[command.verb]
    if rule.starts is not None:
        return f"asked for {rule.starts}; run c{command.sequence} opens if nothing forbids it"
    if view.open_run is not None:
        return f"asked run {view.open_run.cause} to {command.verb}"
    if view.start_ask is not None:
        return f"took back the {view.start_ask.verb} that {view.start_ask.who} asked for"
    return f"asked for another {view.status.workflow}; run c{command.sequence} opens if nothing forbids it"
