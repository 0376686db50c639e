"""What becomes of a campaign, as pure functions of its record, what is seen of its members, people's words and the time.

``observed`` brings the members up to date, ``judged`` decides what follows from that, ``due`` says whom to let go next, and
``answered`` applies a verb. The driver and the command consumer write what comes of it by compare-and-set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from workflows.engine.ask import four_eyes, not_twice_the_same, same_pair_of_eyes
from workflows.engine.choose import Choice, choose_workflow
from workflows.engine.look import View
from workflows.engine.step import Steps
from workflows.engine.workflow import Workflow, make_run
from workflows.model.campaign import ENDED, Campaign, CampaignState, Member, MemberState, failure_limit, waves
from workflows.model.command import Ask, Command, Verb
from workflows.model.errors import Refused
from workflows.model.journal import Outcome
from workflows.model.run import Run, run_digest
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState, NodeStatus

_FAILING = (MemberState.FAILED, MemberState.STUCK)


@dataclass(frozen=True, slots=True)
class Preview:
    """Says what would run on a node as things stand: the same table and the same steps that a worker uses."""

    settings: SiteSettings
    steps: Steps
    workflows: Mapping[str, Workflow]

    def run(self, view: View, ask: Ask | None) -> Run | str:
        """The run that would open, whoever has to let it go; else why none would, in words."""
        if view.desired is None:
            return "it is gone from the inventory"
        if view.open_run is not None:
            return f"run {view.open_run.cause} ({view.open_run.workflow}) is open: cancel it first"
        chosen = choose_workflow(view.desired, view.status, self.settings, view.run, ask, view.campaign)
        if chosen.choice not in (Choice.START, Choice.WAITS):
            return chosen.reason
        after = view.run.cause if view.run is not None else None
        try:
            return make_run(self.workflows[chosen.workflow], self.steps, view.desired, chosen, after)
        except Refused as error:
            return str(error)

    def member_run(self, view: View, campaign: Campaign, member: Member) -> Run | str:
        """The run of a member that hasn't begun; one that another command took out of the campaign has none."""
        ask = view.start_ask
        if member.cause.startswith("c") and (ask is None or ask.campaign != campaign.id):
            return "another command was given to it since"
        return self.run(view, ask)


def made(campaign: Campaign, runs: list[Run], settings: SiteSettings) -> Campaign:
    """A campaign with its frozen list: these runs, in this order, each in its wave."""
    numbers = waves(len(runs), settings.campaign, settings.wipes_at_once)
    members = [
        Member(node=r.node, label=r.desired.label, wave=n, cause=r.cause, content=r.content())
        for r, n in zip(runs, numbers, strict=True)
    ]
    failures = failure_limit(len(runs), settings.campaign)
    return campaign.model_copy(update={"members": tuple(members), "failures": failures})


def let_go(member: Member, would: Run | str) -> Member:
    """The member, let go if what would run is what was seen; else skipped: it was never touched."""
    if isinstance(would, str):
        return member.model_copy(update={"state": MemberState.SKIPPED, "text": would})
    if would.content() != member.content:
        text = "it changed since it was approved, and was left as it is"
        return member.model_copy(update={"state": MemberState.SKIPPED, "text": text})
    return member.model_copy(update={"state": MemberState.LET_GO, "cause": would.cause, "text": ""})


def observed(campaign: Campaign, member: Member, status: NodeStatus, would: Run | str) -> Member:
    """A member that was let go, by its node's status; where its run hasn't begun, by what would run now."""
    if status.cause != member.cause:
        if campaign.state is CampaignState.STOPPING:
            return _to(member, MemberState.SKIPPED, "cancelled before it began")
        if member.state is MemberState.LET_GO:
            return let_go(member, would)
        return _to(member, MemberState.FAILED, f"run {status.cause} took over")
    if status.outcome:
        if status.outcome == Outcome.SUCCEEDED:
            return _to(member, MemberState.PASSED, "")
        untouched = status.outcome in (Outcome.CANCELLED, Outcome.DENIED) and status.state is not NodeState.FAILED
        return _to(member, MemberState.SKIPPED if untouched else MemberState.FAILED, status.reason)
    if status.state is not NodeState.PARKED:
        return _to(member, MemberState.LET_GO, "")
    if status.digest:
        ours = status.digest == run_digest(status.run, member.content)
        return (
            _to(member, MemberState.LET_GO, "") if ours else _to(member, MemberState.STUCK, "it waits for an approval")
        )
    return _to(member, MemberState.STUCK, status.reason)


def judged(campaign: Campaign, now: datetime, settings: SiteSettings) -> Campaign:
    """What follows from how its members stand: on to the next wave, a pause, or the end with its report."""
    if campaign.state is CampaignState.STOPPING:
        under_way = campaign.count(MemberState.LET_GO, MemberState.STUCK)
        over = campaign.to(CampaignState.CANCELLED, text=f"cancelled by {campaign.stopped_by}; {campaign.report()}")
        return campaign if under_way else over
    if campaign.state is not CampaignState.RUNNING:
        return campaign
    if not campaign.holds(now, settings.approval_life):
        return campaign.to(CampaignState.PAUSED, text="its approval has expired: approve it again, or cancel it")
    failed = [m.label for m in campaign.members if m.state in _FAILING]
    limit = 1 if campaign.wave == 0 else campaign.failures
    if len(failed) - campaign.excused >= limit:
        what = "its canary" if campaign.wave == 0 else f"{len(failed)} of its nodes"
        text = f"{what} failed ({', '.join(failed[:5])}): see why, then retry, unhold or cancel it"
        return campaign.to(CampaignState.PAUSED, text=text)
    if any(m.state not in ENDED for m in _wave(campaign)):
        return campaign
    if campaign.count(MemberState.WAITING) == 0:
        return campaign.to(CampaignState.DONE, text=campaign.report())
    if campaign.wave == 0 and campaign.count(MemberState.PASSED) + campaign.excused == 0:
        canary = next(m for m in campaign.members if m.state is MemberState.WAITING)
        return campaign.with_members([canary.model_copy(update={"wave": 0})])
    return campaign.model_copy(update={"wave": campaign.wave + 1})


def due(campaign: Campaign) -> list[Member]:
    """Whom to let go now: those of the present wave, and of earlier ones, who still wait."""
    if campaign.state is not CampaignState.RUNNING:
        return []
    return [m for m in _wave(campaign) if m.state is MemberState.WAITING]


def answered(campaign: Campaign, command: Command, now: datetime, settings: SiteSettings) -> Campaign:
    """The campaign after a person's verb; the same where that very command was applied before.

    Raises:
        Refused: the verb doesn't fit how the campaign stands; the message is for its sender.
    """
    if command.sequence <= campaign.answered:
        return campaign
    state, who, name = campaign.state, command.who, f"campaign {campaign.id}"
    done = {"answered": command.sequence}
    expired = state is CampaignState.PAUSED and not campaign.holds(now, settings.approval_life)
    match command.verb:
        case Verb.APPROVE if state is CampaignState.PROPOSED or expired:
            _check_approver(campaign, command, settings)
            return campaign.to(CampaignState.RUNNING, text="", approved_by=who, approved_at=command.at, **done)
        case Verb.DENY if state is CampaignState.PROPOSED:
            return campaign.to(CampaignState.DENIED, text=f"denied by {who}: {_why(command)}", **done)
        case Verb.CANCEL if state is CampaignState.PROPOSED:
            return campaign.to(CampaignState.CANCELLED, text=f"cancelled by {who}: {_why(command)}", **done)
        case Verb.CANCEL if state in (CampaignState.RUNNING, CampaignState.PAUSED):
            return campaign.to(CampaignState.STOPPING, text=f"cancelled by {who}", stopped_by=who, **done)
        case Verb.HOLD if state is CampaignState.RUNNING:
            return campaign.to(CampaignState.PAUSED, text=f"held by {who}: {_why(command)}", **done)
        case Verb.UNHOLD | Verb.RETRY if expired:
            raise Refused(f"the approval of {name} has expired: approve it again, or cancel it")
        case Verb.UNHOLD if state is CampaignState.PAUSED:
            return campaign.to(CampaignState.RUNNING, text="", excused=campaign.count(*_FAILING), **done)
        case Verb.RETRY if state is CampaignState.PAUSED:
            again = [_again(m, command.sequence) for m in campaign.members if m.state in _FAILING]
            return campaign.with_members(again).to(CampaignState.RUNNING, text="", excused=0, **done)
    at = f": {campaign.text}" if campaign.text else ""
    raise Refused(f"{name} is {state}{at}; {command.verb} doesn't fit that")


def _check_approver(campaign: Campaign, command: Command, settings: SiteSettings) -> None:
    if command.body.digest not in (None, campaign.digest()):
        raise Refused("what you saw has changed since: look again")
    if four_eyes(campaign, settings) and command.service:
        raise Refused(f"{command.who} is no person: under four eyes a person approves")
    if same_pair_of_eyes(campaign, command.who, settings):
        raise Refused(not_twice_the_same(campaign))


def _again(member: Member, sequence: int) -> Member:
    """A member that is tried again: a parked run goes on, a failed one gets a new run of this command."""
    cause = f"c{sequence}" if member.state is MemberState.FAILED else member.cause
    return member.model_copy(update={"state": MemberState.LET_GO, "cause": cause, "text": ""})


def _wave(campaign: Campaign) -> list[Member]:
    return [m for m in campaign.members if m.wave <= campaign.wave]


def _to(member: Member, state: MemberState, text: str) -> Member:
    return member.model_copy(update={"state": state, "text": text[:300]})


def _why(command: Command) -> str:
    return command.body.reason or "no reason was given"
