"""One command for one node: whether it fits how the node stands, and its place in ``request.<node>``, one field a kind."""

from workflows.engine.ask import four_eyes, not_twice_the_same, same_pair_of_eyes, seen_too_early
from workflows.engine.look import View
from workflows.engine.ports import Store
from workflows.engine.standing import unfit
from workflows.model.command import Ask, Command, Request, Verb
from workflows.model.errors import Conflict
from workflows.model.keys import Cause, NodeKey
from workflows.model.settings import SiteSettings

_FIELD = {
    Verb.APPROVE: "approval",
    Verb.DENY: "approval",
    Verb.CANCEL: "cancel",
    Verb.HOLD: "hold",
    Verb.UNHOLD: "hold",
    Verb.RETRY: "resume",
}


def ask_of(command: Command, *, cause: Cause | None = None, campaign: str | None = None) -> Ask:
    """What a command asks of one node: about its open run ``cause``, or to start one when ``campaign`` lets it go."""
    return Ask(
        sequence=command.sequence,
        at=command.at,
        verb=command.verb,
        who=command.who,
        reason=command.body.reason,
        release=command.body.release,
        force=command.body.force,
        cause=cause,
        digest=command.body.digest,
        campaign=campaign,
    )


async def put_ask(store: Store, node: NodeKey, ask: Ask) -> bool:
    """Write an ask into its field of the node's request, once more if it is there; False where somebody wrote meanwhile."""
    value = await store.get(f"request.{node}")
    request = Request.decode(value.data) if value.data is not None else Request(node=node)
    field = _FIELD.get(ask.verb, "start")
    try:
        await store.put(value.key, request.model_copy(update={field: ask}).encode(), expect=value.seq)
    except Conflict:
        return False
    return True


def refused(command: Command, view: View, settings: SiteSettings) -> str:
    """Why a command doesn't fit a node now; empty where it does."""
    run, state, verb = view.open_run, view.state, command.verb
    newest = view.run.cause if view.run is not None else None
    if command.body.after is not None and command.body.after != newest:
        return f"its newest run is {newest}, not {command.body.after} as you saw: look again"
    if (unsuitable := unfit(verb, view)) or run is None:
        return unsuitable
    digest = state.question
    match verb:
        case Verb.APPROVE if command.body.digest is not None and command.body.digest != digest:
            return "what you saw has changed since: look again"
        case Verb.APPROVE if command.service and four_eyes(run, settings):
            return f"{command.who} is no person: under four eyes a person approves"
        case Verb.APPROVE if same_pair_of_eyes(run, command.who, settings):
            return not_twice_the_same(run)
        case Verb.RETRY if seen_too_early(command.at, state):
            return f"run {run.cause} met something else after you sent this: look, then retry"
    return ""
