"""The runner: drives one claimed run until it is parked, finished, or waits for longer than a minute.

Theory of operation. In a loop: answer what people ask, ``decide``, do it. A step is driven by ``intent → verify →
(NotYet) apply → poll verify → done``; after a crash the open intent is verified first, so an effect that happened is
never repeated blindly. Errors say what comes next: ``Transient`` is tried again after a pause, a bounded number of times,
then a person is asked; ``Refused`` fails the run; ``NeedsHuman`` parks it; ``Fenced`` drops everything and writes nothing.
A step that raises anything else is a bug: the run parks with its name, and no other node is slowed by it.

Cancel, hold and a newer wish take effect between acts and between polls, never inside one.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.engine.ask import Answer, campaign_approval, newest_sequence, unanswered
from workflows.engine.caps import Caps, Full, limits_of_power_on, limits_of_run
from workflows.engine.claim import Claim
from workflows.engine.decide import Begin, Check, Finish, Park, Rest, Settle, decide
from workflows.engine.ladder import BMC_SILENCE, climb
from workflows.engine.observer import Observer
from workflows.engine.permission import Refusal, Verdict
from workflows.engine.second_look import second_look
from workflows.engine.step import Asks, Broken, Context, Done, NotYet, Rung, Step, Steps
from workflows.model.errors import Fenced, NeedsHuman, Refused, Transient
from workflows.model.journal import Kind, Outcome
from workflows.model.record import Json
from workflows.model.settings import SiteSettings

#: A wait that is longer than this releases the worker and the lease.
SHORT_WAIT = timedelta(seconds=60)
#: How soon a run whose permission can't be asked (inventory out of reach) looks again, and when that counts as overdue.
ASK_AGAIN = timedelta(seconds=30)
ASK_PATIENCE = timedelta(hours=1)
#: How soon a run without a place of a cap looks again, and when that wait counts as overdue.
PLACE_AGAIN = timedelta(minutes=2)
PLACE_PATIENCE = timedelta(hours=4)
#: When a run that is over and can't be released counts as overdue: longer than a machine may write its disk.
SETTLE_PATIENCE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Runner:
    """Drives claims. ``context`` builds what a step sees from the claim's present state."""

    steps: Steps
    settle: Step
    context: Callable[[Claim], Context]
    settings: SiteSettings
    jitter: random.Random
    observer: Observer
    caps: Caps

    async def drive(self, claim: Claim) -> None:
        """Go on until there is nothing to do for now.

        Raises:
            Fenced: the lease is gone; the caller writes nothing more.
        """
        while True:
            if await self._answer(claim):
                continue
            act = decide(
                claim.run,
                claim.state,
                claim.clock.now(),
                self.steps,
                approval_life=self.settings.approval_life,
                epoch=self.settings.epoch_id,
                stirred=True,
            )
            match act:
                case Rest():
                    return
                case Park(_, _, digest) if digest and (given := await self._given_with_campaign(claim)) is not None:
                    await self._append_answer(claim, given)
                case Park(reason, next_action, digest):
                    await self._park(claim, reason, next_action, digest)
                    return
                case Begin():
                    if not await self._begin(claim):
                        return
                case Check():
                    if not await self._check(claim):
                        return
                case Settle():
                    if not await self._settle(claim):
                        return
                case Finish():
                    await self._finish(claim)
                    return

    async def _answer(self, claim: Claim) -> bool:
        request, campaign = await claim.request(), await claim.campaign()
        answer = unanswered(request, claim.run, claim.state, self.settings, claim.clock.now(), campaign)
        if answer is None:
            if request is not None:
                await claim.answered(newest_sequence(request))
            return False
        await self._append_answer(claim, answer)
        return True

    async def _given_with_campaign(self, claim: Claim) -> Answer | None:
        """The approval that the run's campaign gives it, read at the moment it is needed."""
        campaign = await claim.campaign()
        if campaign is None:
            return None
        return campaign_approval(campaign, claim.run, self.settings, claim.clock.now())

    async def _append_answer(self, claim: Claim, answer: Answer) -> None:
        await claim.append(
            answer.kind,
            reason=answer.reason,
            person=answer.ask.who,
            request=answer.ask.sequence,
            digest=answer.digest,
            next_action=answer.next_action,
            deadline=self._answer_due(claim) if answer.kind is Kind.HELD else None,
            given_at=answer.ask.at if answer.kind is Kind.APPROVED else None,
            epoch=self.settings.epoch_id if self._decides(answer) else "",
        )

    def _decides(self, answer: Answer) -> bool:
        """Whether a person, asked in the present epoch, takes a run of an earlier one on."""
        epoch = self.settings.epoch
        taken_on = answer.kind in (Kind.RESUMED, Kind.CANCELLED, Kind.DENIED)
        return taken_on and epoch is not None and answer.ask.at >= epoch.since

    async def _park(self, claim: Claim, reason: str, next_action: str, digest: str = "") -> None:
        """Stop and ask a person, who is given a time for it too."""
        due = self._answer_due(claim)
        await claim.append(Kind.PARKED, reason=reason, next_action=next_action, deadline=due, digest=digest)

    def _answer_due(self, claim: Claim) -> datetime:
        return claim.clock.now() + self.settings.answer_life

    async def _begin(self, claim: Claim) -> bool:
        step = self._current(claim)
        try:
            ctx = self.context(claim)
            if step.destructive and (refusal := await self._refusal(ctx)) is not None:
                return await self._refused(claim, refusal)
            if (full := await self._without_place(claim, step)) is not None:
                await self._wait_for_place(claim, full)
                return False
            base = await step.baseline(ctx)
        except Exception as error:  # noqa: BLE001 - sorted by _failed, which lets Fenced through
            return await self._failed(claim, step, error)
        await claim.append(
            Kind.INTENT,
            baseline=base,
            deadline=claim.clock.now() + step.timeout,
            reason=f"{step.name} began" if claim.state.attempt == 1 else _once_more(step, claim.state.attempt),
            next_action="bringup goes on by itself",
        )
        return True

    async def _without_place(self, claim: Claim, step: Step) -> Full | None:
        """Why the run has no place of a cap that this step needs; None where it has them all now."""
        limits = limits_of_run(claim.run, self.settings) if step.needs_approval else ()
        limits += limits_of_power_on(claim.run, step.name, self.settings)
        return await self.caps.take(limits, claim.clock.now(), over=claim.state.over_caps)

    async def _wait_for_place(self, claim: Claim, full: Full) -> None:
        """Wait for a place, or for a person who lets this one run pass: the step hasn't begun."""
        await claim.append(
            Kind.WAITING,
            reason=full.reason(),
            next_action=f"it goes on when a place is free; bringup approve {claim.run.desired.label} lets it pass",
            digest=claim.run.digest(),
            due_at=full.free_at or claim.clock.now() + PLACE_AGAIN,
            deadline=_until(claim, PLACE_PATIENCE),
        )

    async def _refusal(self, ctx: Context) -> Refusal | None:
        """The second look right before a destructive act; who can't be asked is asked again.

        Looked before the intent, and again before each act: between the two may lie a crash, or hours of waiting for a slot
        of the cap.
        """
        try:
            return await second_look(ctx)
        except Transient as error:
            return Refusal(
                f"whether {ctx.desired.label} may be stopped can't be asked: {error}",
                "bringup asks again by itself; nothing is stopped or wiped before it is answered",
                Verdict.ASK_AGAIN,
            )

    async def _refused(self, claim: Claim, refusal: Refusal) -> bool:
        match refusal.verdict:
            case Verdict.SUPERSEDED:
                await claim.append(Kind.CANCELLED, reason=refusal.reason)
                return True
            case Verdict.ASK_AGAIN:
                await claim.append(
                    Kind.WAITING,
                    reason=refusal.reason,
                    next_action=refusal.next_action,
                    due_at=claim.clock.now() + ASK_AGAIN,
                    deadline=_until(claim, ASK_PATIENCE),
                    withdrawn=True,
                )
            case Verdict.FORBIDDEN:
                await self._park(claim, refusal.reason, refusal.next_action)
        return False

    async def _check(self, claim: Claim) -> bool:
        """Verify, act where needed, and poll. False: the claim is over for now."""
        step = self._current(claim)
        base = claim.state.baseline
        applied = claim.state.applied
        acted, seen = False, -1
        try:
            while True:
                if await self._answer(claim):
                    return True
                verified = await step.verify(self.context(claim), base)
                match verified:
                    case Done(result):
                        await claim.append(Kind.DONE, result=result, reason=f"{step.name} done")
                        return True
                    case Broken(reason):
                        raise Refused(reason)
                    case Asks(reason, digest):
                        await self._park(claim, reason, "approve or deny it", digest)
                        return False
                    case NotYet(act_again=again) if not applied or (again and not acted):
                        ctx = self.context(claim)
                        if step.destructive and (refusal := await self._refusal(ctx)) is not None:
                            return await self._refused(claim, refusal)
                        if not applied:
                            await climb(step.retry.rung(claim.state.attempt), ctx)
                        await step.apply(ctx, base)
                        applied = acted = True
                        continue
                    case NotYet(reason):
                        pass
                deadline = (claim.state.intent_at or claim.clock.now()) + step.timeout
                if claim.clock.now() >= deadline:
                    raise Transient(f"{step.name} is overdue: {verified.reason}")
                if verified.check_in > SHORT_WAIT:
                    sequence = (await claim.store.get(verified.watch)).seq if verified.watch else 0
                    if sequence == seen:
                        await self._wait(claim, verified, step, sequence)
                        return False
                    seen = sequence  # read before the next verify, so no change in between is slept through
                    continue
                await claim.clock.sleep(verified.check_in)
                acted = False
        except Exception as error:  # noqa: BLE001 - sorted by _failed, which lets Fenced through
            return await self._failed(claim, step, error)

    async def _wait(self, claim: Claim, verified: NotYet, step: Step, watched: int) -> None:
        now = claim.clock.now()
        deadline = (claim.state.intent_at or now) + step.timeout
        await claim.append(
            Kind.WAITING,
            reason=verified.reason,
            next_action=verified.next_action,
            deadline=deadline,
            due_at=min(now + verified.check_in, deadline),
            watch=verified.watch,
            watch_seq=watched,
        )

    async def _failed(self, claim: Claim, step: Step, error: Exception) -> bool:
        """Sort an error; True where the drive goes on at once."""
        self.observer.failed(claim.run, step.name, error)
        match error:
            case Fenced():
                await claim.lease.renew()  # the BMC ended our session: ours only while the lease still is
                await self._retry(claim, step, str(error))
                return False
            case NeedsHuman():
                await self._park(claim, str(error), "retry or cancel once it is clear")
                return False
            case Refused():
                await claim.append(Kind.FAILED, final=True, reason=str(error), next_action="mend the cause, then retry")
                return True
            case Transient():
                await self._retry(claim, step, str(error))
                return False
            case _:
                reason = f"step {step.name} met a defect of bringup: {type(error).__name__}: {error}"
                await self._park(claim, reason, "report it with the worker's log, then retry or cancel")
                return False

    async def _retry(self, claim: Claim, step: Step, reason: str) -> None:
        if claim.state.attempt >= step.retry.attempts:
            reason = f"{step.name} failed {claim.state.attempt} times, last: {reason}"
            await self._park(claim, reason, "look at the machine, then retry or cancel")
            return
        restarted = step.retry.rung(claim.state.attempt) is Rung.RESET
        pause = (BMC_SILENCE if restarted else step.retry.pause) * self.jitter.uniform(0.75, 1.25)
        rung = step.retry.rung(claim.state.attempt + 1)
        tries = "tries" if rung is Rung.AGAIN else f"will {rung} and then try"
        await claim.append(
            Kind.FAILED,
            reason=reason,
            next_action=f"bringup {tries} {step.name} again by itself",
            due_at=claim.clock.now() + pause,
        )

    async def _settle(self, claim: Claim) -> bool:
        base: Json = None
        try:
            ctx = self.context(claim)
            verified = await self.settle.verify(ctx, base)
            if isinstance(verified, NotYet):
                await self.settle.apply(ctx, base)
                verified = await self.settle.verify(ctx, base)
        except Fenced:
            raise
        except (Transient, Refused) as error:
            verified = NotYet(str(error), ASK_AGAIN)
        match verified:
            case Done():
                await claim.append(Kind.SETTLED, reason="everything that the run arranged is released")
                return True
            case Broken(reason) | Asks(reason):
                await self._park(claim, reason, "release it by hand, then retry")
            case NotYet(reason):
                await claim.append(
                    Kind.WAITING,
                    reason=f"the run is over, but not released: {reason}",
                    next_action="bringup tries again by itself",
                    due_at=claim.clock.now() + max(verified.check_in, ASK_AGAIN),
                    deadline=_until(claim, SETTLE_PATIENCE),
                    watch=verified.watch,
                    watch_seq=(await claim.store.get(verified.watch)).seq if verified.watch else 0,
                )
        return False

    async def _finish(self, claim: Claim) -> None:
        outcome = claim.state.outcome or Outcome.FAILED
        for limit in limits_of_run(claim.run, self.settings):
            if limit.window is None:
                await self.caps.give_back(limit)
        await claim.append(Kind.FINISHED, outcome=outcome, reason=claim.state.reason)

    def _current(self, claim: Claim) -> Step:
        return self.steps[claim.run.steps[claim.state.step].name]


def _once_more(step: Step, attempt: int) -> str:
    return f"{step.name}, try {attempt} of {step.retry.attempts}: {step.retry.rung(attempt)}"


def _until(claim: Claim, patience: timedelta) -> datetime:
    """When a wait is overdue: waiting once more for the same thing gives no more time."""
    last = claim.state.last
    again = last is not None and last.kind is Kind.WAITING and last.deadline is not None
    return last.deadline if again and last is not None and last.deadline else claim.clock.now() + patience
