"""One command for one node: whether it fits how the node stands, and its place in ``request.<node>``, one field a kind."""

from workflows.engine.ask import four_eyes, not_twice_the_same, same_pair_of_eyes
from workflows.engine.look import View
from workflows.engine.ports import Store
from workflows.model.campaign import MemberState
from workflows.model.command import VERBS, Ask, Command, Request, Verb
from workflows.model.errors import Conflict
from workflows.model.journal import Phase
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
    if VERBS[verb].starts is not None:
        if run is not None:
            return f"run {run.cause} ({run.workflow}) is open: cancel it first"
        return _in_campaign(view)
    if verb is Verb.RETRY and run is None:
        return "" if view.status.outcome in ("failed", "cancelled", "denied") else "its newest run did not fail"
    if run is None:
        return "no run is open"
    digest = state.question
    match verb:
        case Verb.APPROVE | Verb.DENY if not digest:
            return "it doesn't wait for approval"
        case Verb.APPROVE if command.body.digest is not None and command.body.digest != digest:
            return "what you saw has changed since: look again"
        case Verb.APPROVE if command.service and four_eyes(run, settings):
            return f"{command.who} is no person: under four eyes a person approves"
        case Verb.APPROVE if same_pair_of_eyes(run, command.who, settings):
            return not_twice_the_same(run)
        case Verb.RETRY if state.phase is not Phase.PARKED or digest:
            return "it isn't parked on a fault" if not digest else "it waits for approval: approve or deny it"
        case Verb.UNHOLD if state.phase is not Phase.HELD:
            return "it isn't held"
    return ""


def _in_campaign(view: View) -> str:
    campaign = view.campaign
    member = campaign.member(view.status.node) if campaign is not None and campaign.live else None
    if campaign is None or member is None or member.state not in (MemberState.WAITING, MemberState.LET_GO):
        return ""
    return f"it is on the list of campaign {campaign.id}: wait for that, or cancel it first"
