"""Requests turned into journal entries: what a person asked for, answered once, by the lease holder only.

Each request carries the sequence of its command. An entry names that sequence, so a request is never answered twice, and
one that names another run than the open one is left to ``choose_workflow`` or refused where it was sent.
"""

from dataclasses import dataclass
from datetime import datetime

from workflows.engine.standing import FITS, of_run
from workflows.model.campaign import Campaign, CampaignState
from workflows.model.command import Ask, Request, Verb
from workflows.model.journal import Fold, Kind, Phase
from workflows.model.run import Run
from workflows.model.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry to append for a request."""

    kind: Kind
    ask: Ask
    reason: str
    digest: str = ""
    next_action: str = ""


def newest_sequence(request: Request) -> int:
    """The largest command sequence in a request; 0 where it is empty."""
    asks = (request.start, request.approval, request.cancel, request.hold, request.resume)
    return max((a.sequence for a in asks if a is not None), default=0)


def unanswered(
    request: Request | None,
    run: Run,
    state: Fold,
    settings: SiteSettings,
    now: datetime,
    campaign: Campaign | None = None,
) -> Answer | None:
    """The first request about this run that the journal doesn't answer yet, in the order of what people mean most.

    An approval that is void (another digest, too old, the requester's own under four eyes) is no answer. What people
    asked of the run's ``campaign`` counts as asked of the run.
    """
    fits = FITS[of_run(state)]
    if not fits:
        return None
    if campaign is not None and (answer := _of_campaign(campaign, run, state, settings, now)) is not None:
        return answer
    if request is None:
        return None
    if Verb.CANCEL in fits and (ask := _fresh(request.cancel, run, state)) is not None:
        return Answer(Kind.CANCELLED, ask, f"cancelled by {ask.who}: {_why(ask)}")
    if (ask := _fresh(request.hold, run, state)) is not None and ask.verb in fits:
        if ask.verb is Verb.UNHOLD:
            return Answer(Kind.UNHELD, ask, f"released by {ask.who}")
        return Answer(Kind.HELD, ask, f"held by {ask.who}: {_why(ask)}", next_action="unhold it or cancel it")
    digest = state.question
    if (ask := _fresh(request.approval, run, state)) is not None and ask.verb in fits:
        if ask.verb is Verb.DENY:
            return Answer(Kind.DENIED, ask, f"denied by {ask.who}: {_why(ask)}")
        void = ask.digest not in (None, digest) or now >= ask.at + settings.approval_life
        if not void and not same_pair_of_eyes(run, ask.who, settings):
            return Answer(Kind.APPROVED, ask, f"approved by {ask.who}", digest)
    ask = _fresh(request.resume, run, state)
    if ask is not None and ask.verb in fits and not seen_too_early(ask.at, state):
        return Answer(Kind.RESUMED, ask, f"resumed by {ask.who}: {_why(ask)}")
    return None


def seen_too_early(at: datetime, state: Fold) -> bool:
    """Whether a parked run parked after this moment: who sent a retry then didn't see what it waits for now."""
    return state.parked_at is not None and at < state.parked_at


def _why(ask: Ask) -> str:
    return ask.reason or "no reason was given"


def _of_campaign(campaign: Campaign, run: Run, state: Fold, settings: SiteSettings, now: datetime) -> Answer | None:
    """What the campaign's record says to this run: that it ends, or that what it waits for is approved."""
    member = campaign.member(run.node)
    over = campaign.state in (CampaignState.STOPPING, CampaignState.CANCELLED)
    if over and Verb.CANCEL in FITS[of_run(state)] and member is not None and member.cause == run.cause:
        ask = Ask(sequence=campaign.answered, at=now, verb=Verb.CANCEL, who=campaign.stopped_by)
        return Answer(Kind.CANCELLED, ask, f"campaign {campaign.id} was cancelled by {ask.who}")
    waits = state.phase is Phase.PARKED and state.last is not None and state.last.digest == run.digest()
    return campaign_approval(campaign, run, settings, now) if waits else None


def campaign_approval(campaign: Campaign, run: Run, settings: SiteSettings, now: datetime) -> Answer | None:
    """The approval that a campaign gives to exactly this run, now."""
    if campaign.approved_at is None or not campaign.approves(run, now, settings.approval_life):
        return None
    ask = Ask(sequence=0, at=campaign.approved_at, verb=Verb.APPROVE, who=campaign.approved_by)
    return Answer(Kind.APPROVED, ask, f"approved by {ask.who} with campaign {campaign.id}", run.digest())


def four_eyes(asked: Run | Campaign, settings: SiteSettings) -> bool:
    """Whether two persons must agree on it: where the site says so, and always where it was forced."""
    return settings.four_eyes or asked.force


def same_pair_of_eyes(asked: Run | Campaign, approver: str, settings: SiteSettings) -> bool:
    """Whether four eyes forbid this approval: both names, by whatever way in, are one person's."""
    return four_eyes(asked, settings) and settings.person(asked.asked_by) == settings.person(approver)


def not_twice_the_same(asked: Run | Campaign) -> str:
    """What its requester is told who approves it too, and may not."""
    why = "it is forced, so" if asked.force else "under four eyes"
    return f"{asked.asked_by} asked for it: {why} another person approves"


def _fresh(ask: Ask | None, run: Run, state: Fold) -> Ask | None:
    if ask is None or ask.sequence in state.requests:
        return None
    if ask.cause is not None and ask.cause != run.cause:
        return None
    return ask
