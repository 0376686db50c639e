"""How a node stands, as a verb sees it, and which verbs fit then: the one table that everybody goes by.

Theory of operation. A command is looked at twice: by its consumer, which refuses in one sentence what doesn't fit, and by
the lease holder, who finds it as a request when the run may stand elsewhere. Both ask ``FITS``. What the consumer took and
the holder finds unfit is kept, and takes effect when it fits again, unless what its sender saw is gone: an approval is of
one digest and for a time, a retry of the park that stood when it was sent.

What fits takes effect at the run's next safe point: between two acts, and between two looks at the world. An act that is
under way is never interrupted, and a machine that writes its disk neither. The longest act is a play of the roles.
"""

from enum import StrEnum

from workflows.engine.look import View
from workflows.model.campaign import Campaign, MemberState
from workflows.model.command import VERBS, Verb
from workflows.model.journal import Fold, Phase
from workflows.model.status import NodeState, NodeStatus


class Standing(StrEnum):
    """A node without an open run (the first five) or its open run, in words."""

    NEW = "it had no run yet"
    WELL = "its newest run ended well"
    BADLY = "its newest run failed, or was cancelled or denied"
    LISTED = "it is on the list of a campaign and has no run yet"
    ASKED = "a run was asked for and has not begun"
    WORKING = "its run is at work, or waits for the world"
    FULL = "its run waits for a place of a full cap"
    APPROVAL = "its run waits for approval"
    FAULT = "its run is parked on a fault"
    HELD = "its run is held"
    ENDING = "its run is ending"
    UNRELEASED = "its run is over, and a person must look before it is released"


_STARTS = tuple(verb for verb, rule in VERBS.items() if rule.starts is not None)
_ONE = f"{', '.join(_STARTS[:-1])} or {_STARTS[-1]}"

#: The verbs that fit; ``choose_workflow`` still refuses a start that the inventory or the mode forbids.
FITS: dict[Standing, tuple[Verb, ...]] = {
    Standing.NEW: _STARTS,
    Standing.WELL: _STARTS,
    Standing.BADLY: (*_STARTS, Verb.RETRY),
    Standing.LISTED: (),
    Standing.ASKED: (Verb.CANCEL,),
    Standing.WORKING: (Verb.CANCEL, Verb.HOLD),
    Standing.FULL: (Verb.APPROVE, Verb.DENY, Verb.CANCEL, Verb.HOLD),
    Standing.APPROVAL: (Verb.APPROVE, Verb.DENY, Verb.CANCEL, Verb.HOLD),
    Standing.FAULT: (Verb.CANCEL, Verb.HOLD, Verb.RETRY),
    Standing.HELD: (Verb.CANCEL, Verb.UNHOLD),
    Standing.ENDING: (),
    Standing.UNRELEASED: (Verb.RETRY,),
}

#: What a sender is told whose verb doesn't fit: the fact, then what works instead.
_INSTEAD: dict[Standing, str] = {
    Standing.NEW: f"no run is open; {_ONE} asks for one",
    Standing.WELL: f"its newest run ended well; {_ONE} asks for another",
    Standing.BADLY: f"no run is open; retry runs the newest again, {_ONE} asks for another",
    Standing.LISTED: "it is on the list of campaign {campaign}; wait, or send the verb to campaign:{campaign}",
    Standing.ASKED: "{asked} was asked for by {who} and has not begun; cancel takes that back",
    Standing.WORKING: "run {run} is at work; hold or cancel it",
    Standing.FULL: "run {run} waits for a place; approve lets it pass, deny or cancel ends it, hold keeps it",
    Standing.APPROVAL: "run {run} waits for approval; approve, deny, hold or cancel it",
    Standing.FAULT: "run {run} waits for a person; retry, hold or cancel it",
    Standing.HELD: "run {run} is held; unhold or cancel it",
    Standing.ENDING: "run {run} is ending already; wait for its end",
    Standing.UNRELEASED: "run {run} is over but not released; look at the machine, then retry",
}
_UNFIT: dict[Verb, str] = {
    **dict.fromkeys(_STARTS, "another run can't begin"),
    Verb.APPROVE: "it doesn't wait for approval",
    Verb.DENY: "it doesn't wait for approval",
    Verb.CANCEL: "there is nothing to cancel",
    Verb.HOLD: "there is nothing to hold",
    Verb.UNHOLD: "it isn't held",
    Verb.RETRY: "there is nothing to retry",
}


def of_run(state: Fold) -> Standing:
    """How an open run stands."""
    match state.phase:
        case Phase.HELD:
            return Standing.HELD
        case Phase.ENDING | Phase.SETTLED | Phase.FINISHED:
            return Standing.ENDING
        case Phase.PARKED if state.resume_to is Phase.ENDING:
            return Standing.UNRELEASED
        case Phase.PARKED:
            return Standing.APPROVAL if state.question else Standing.FAULT
    return Standing.FULL if state.question else Standing.WORKING


def of_status(status: NodeStatus) -> Standing:
    """How a node stands as its status shows it, for who previews: what only its journal or a request says isn't seen."""
    match status.state:
        case NodeState.HELD:
            return Standing.HELD
        case NodeState.PARKED:
            return Standing.APPROVAL if status.digest else Standing.FAULT
        case NodeState.RUNNING | NodeState.WAITING:
            return Standing.FULL if status.digest else Standing.WORKING
    if not status.run:
        return Standing.NEW
    return Standing.BADLY if status.ended_badly else Standing.WELL


def of_node(view: View) -> Standing:
    """How a node stands."""
    if view.open_run is not None:
        return of_run(view.state)
    if listed(view) is not None:
        return Standing.LISTED
    if view.start_ask is not None:
        return Standing.ASKED
    if view.run is None:
        return Standing.NEW
    return Standing.BADLY if view.status.ended_badly else Standing.WELL


def listed(view: View) -> Campaign | None:
    """The live campaign that a node without a run waits for."""
    campaign = view.campaign
    member = campaign.member(view.status.node) if campaign is not None and campaign.live else None
    waits = member is not None and member.state in (MemberState.WAITING, MemberState.LET_GO)
    return campaign if waits else None


def unfit(verb: Verb, view: View) -> str:
    """Why a verb doesn't fit a node as it stands now, and what works instead; empty where it fits."""
    standing = of_node(view)
    if verb in FITS[standing]:
        return ""
    run, ask, campaign = view.open_run, view.start_ask, listed(view)
    instead = _INSTEAD[standing].format(
        run=f"{run.cause} ({run.workflow})" if run is not None else "",
        asked=ask.verb if ask is not None else "",
        who=ask.who if ask is not None else "",
        campaign=campaign.id if campaign is not None else "",
    )
    return f"{_UNFIT[verb]}: {instead}"
