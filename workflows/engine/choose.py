"""``choose_workflow``: the one pure table that picks a workflow, and the only place that does.

Only the start status on a node that was never in service, or a command, opens a destructive run. Any other difference on
an accepted node is drift: shown, never acted on (law 4).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from workflows.model.campaign import Campaign, CampaignState, MemberState, id_of_edit
from workflows.model.command import VERBS, Ask, Verb
from workflows.model.desired import Desired, Intent
from workflows.model.keys import Cause, NodeKey, cause_of_command, cause_of_follower, cause_of_generation
from workflows.model.run import Run
from workflows.model.settings import Mode, SchedulerKind, SiteSettings
from workflows.model.status import NodeStatus


class Choice(StrEnum):
    """What a look at a node without an open run comes to."""

    START = "start"
    WAITS = "waits"
    WOULD = "would"
    DRIFT = "drift"
    NOTHING = "nothing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The row that held, in words; ``workflow`` and ``cause`` where something starts or would, and whether that takes a
    node out that is, or was, in service.

    One that *waits* starts when its campaign lets the node go.
    """

    choice: Choice
    reason: str
    workflow: str = ""
    cause: Cause | None = None
    ask: Ask | None = None
    approval: bool = False
    campaign: str | None = None
    caution: str = ""
    in_service: bool = False


def choose_workflow(
    desired: Desired,
    status: NodeStatus,
    settings: SiteSettings,
    newest: Run | None,
    ask: Ask | None,
    campaign: Campaign | None = None,
) -> Chosen:
    """Pick. ``newest`` is the node's newest run (finished), ``ask`` an unanswered start request, ``campaign`` the one
    that the request, or the edit that staged the node, belongs to.
    """
    if ask is not None:
        chosen = _asked(desired, status, settings, newest, ask)
        if ask.campaign is None or chosen.choice is not Choice.START:
            return chosen
        return _when_let_go(desired.node, replace(chosen, campaign=ask.campaign), campaign)
    if desired.intent is Intent.NOT_OURS:
        return Chosen(Choice.NOTHING, "its status says that it is not bringup's")
    if status.follows and newest is not None and newest.has("compare"):
        return _follower(desired, status, settings, newest)
    accepted = bool(status.accepted_run)
    if desired.intent is Intent.RETIRED:
        return Chosen(
            Choice.DRIFT if accepted else Choice.NOTHING, "retired in the inventory; wiping it needs a command"
        )
    if accepted:
        if desired.generation > status.accepted_generation:
            return Chosen(Choice.DRIFT, "the inventory changed since it was accepted; a command decides what to do")
        return Chosen(Choice.NOTHING, "in service")
    if desired.status != settings.start_status:
        return Chosen(Choice.NOTHING, f"not {settings.start_status}; adopt it, or set {settings.start_status}")
    cause = cause_of_generation(desired.generation)
    if newest is not None and desired.generation <= newest.desired.generation:
        return Chosen(Choice.NOTHING, "this wish has had its run; retry starts another")
    if desired.problems:
        return Chosen(Choice.NOTHING, desired.problems[0])
    if desired.protected:
        return Chosen(Choice.NOTHING, "it is tagged bringup-protected")
    mode = settings.mode_of(desired.rack)
    if mode is Mode.OBSERVE:
        return Chosen(Choice.WOULD, "the mode is observe: nothing is touched", "provision", cause)
    start = Chosen(
        Choice.START, f"{desired.status} in the inventory", "provision", cause, approval=mode is Mode.SUPERVISED
    )
    if desired.edit is None or desired.edit.nodes < settings.campaign_from:
        return start
    reason = f"{desired.status} with {desired.edit.nodes - 1} more by one edit of {desired.edit.person}"
    return _when_let_go(
        desired.node, replace(start, reason=reason, campaign=id_of_edit(desired.edit.request)), campaign
    )


def _when_let_go(node: NodeKey, start: Chosen, campaign: Campaign | None) -> Chosen:
    """What would start, as its campaign stands: a run of a campaign always needs that campaign's approval."""
    start = replace(start, approval=True)
    if campaign is None:
        return replace(start, choice=Choice.WAITS, reason=f"{start.reason}; campaign {start.campaign} is not made yet")
    member = campaign.member(node)
    if not campaign.live or member is None or member.state is MemberState.SKIPPED:
        why = campaign.text if member is None else member.text or campaign.text
        return Chosen(Choice.NOTHING, f"campaign {campaign.id} is {campaign.state} without it: {why or 'untouched'}")
    if campaign.state is CampaignState.RUNNING and member.state is MemberState.LET_GO and member.cause == start.cause:
        return start
    return replace(start, choice=Choice.WAITS, reason=campaign.standing(node))


def _follower(desired: Desired, status: NodeStatus, settings: SiteSettings, newest: Run) -> Chosen:
    """What has to prove a machine whose replaced parts were taken over: asked for by the same command, approved anew."""
    workflow, reason = status.follows, f"its parts were replaced ({newest.cause})"
    if desired.intent is not Intent.SERVE:
        return Chosen(Choice.NOTHING, f"{reason}; its status {desired.status} is not one that bringup serves")
    if desired.problems:
        return Chosen(Choice.NOTHING, f"{reason}; {desired.problems[0]}")
    if desired.protected:
        return Chosen(Choice.NOTHING, f"{reason}; it is tagged bringup-protected")
    cause = cause_of_follower(newest.cause)
    if settings.mode_of(desired.rack) is Mode.OBSERVE:
        return Chosen(Choice.WOULD, f"{reason}; the mode is observe: nothing is touched", workflow, cause)
    return Chosen(
        Choice.START,
        reason,
        workflow,
        cause,
        approval=True,
        caution=_unasked(settings, workflow),
        in_service=bool(status.accepted_run),
    )


def _asked(desired: Desired, status: NodeStatus, settings: SiteSettings, newest: Run | None, ask: Ask) -> Chosen:
    rule = VERBS[ask.verb]
    cause = cause_of_command(ask.sequence)
    if newest is not None and not newest.cause.startswith("g") and int(newest.cause[1:]) >= ask.sequence:
        return Chosen(Choice.REFUSED, f"run {newest.cause} is already newer than this command", ask=ask)
    workflow = rule.starts
    if ask.verb is Verb.RETRY:
        if not status.ended_badly or not status.workflow:
            return Chosen(Choice.REFUSED, "its newest run did not fail: there is nothing to retry", ask=ask)
        workflow = status.workflow
    assert workflow is not None
    if desired.problems:
        return Chosen(Choice.REFUSED, desired.problems[0], ask=ask)
    have = desired.profile.release.name if desired.profile is not None else "none"
    if ask.release and ask.release != have:
        reason = f"release {ask.release} was asked for, the inventory says {have}: change the inventory first"
        return Chosen(Choice.REFUSED, reason, ask=ask)
    if workflow == "firmware" and (desired.profile is None or not desired.profile.sku.has_baseline):
        return Chosen(
            Choice.REFUSED, "its sku names no bios and no firmware: there is no baseline to bring it to", ask=ask
        )
    if desired.intent is not Intent.SERVE:
        return Chosen(Choice.REFUSED, f"its status {desired.status} is not one that bringup serves", ask=ask)
    if workflow in ("adopt", "rma"):
        return Chosen(Choice.START, ask.reason, workflow, cause, ask)
    if desired.protected:
        return Chosen(Choice.REFUSED, "it is tagged bringup-protected: take the tag off first", ask=ask)
    accepted = bool(status.accepted_run) or desired.status != settings.start_status
    if workflow == "provision" and accepted:
        return Chosen(Choice.REFUSED, "it was in service: ask for reimage, which waits for approval", ask=ask)
    mode = settings.mode_of(desired.rack)
    if mode is Mode.OBSERVE:
        return Chosen(Choice.REFUSED, f"the mode is observe: {workflow} would run; set another mode first", ask=ask)
    approval = accepted or workflow == "reimage" or mode is Mode.SUPERVISED or ask.force
    caution = _caution(settings, ask, workflow)
    return Chosen(Choice.START, ask.reason, workflow, cause, ask, approval, caution=caution, in_service=accepted)


def _caution(settings: SiteSettings, ask: Ask, workflow: str) -> str:
    """What an approver must know of the jobs on the node."""
    if ask.force:
        return f"FORCED by {ask.who}: running jobs are killed, the scheduler is not waited for"
    return _unasked(settings, workflow)


def _unasked(settings: SiteSettings, workflow: str) -> str:
    if workflow in ("reimage", "firmware") and settings.scheduler is SchedulerKind.UNKNOWN:
        return "no scheduler is configured: nobody checked for running jobs"
    return ""
