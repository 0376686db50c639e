"""``decide``: what a run needs next, as a pure function of the run, its journal and the time.

A worker asks it without a lease first; only an answer that wants an act or an entry makes it claim the node.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.engine.step import Steps
from workflows.model.journal import Fold, Kind, Phase
from workflows.model.run import Run

#: Claims in a row that wrote nothing after ``claimed`` before a run counts as one that kills its workers (failure 8).
IDLE_CLAIMS = 3


@dataclass(frozen=True, slots=True)
class Begin:
    """Read the baseline of the current step and journal the intent."""


@dataclass(frozen=True, slots=True)
class Check:
    """An intent is open: verify, and act where the world doesn't show it yet."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing before ``until``, unless the watched key changes or a person asks for something."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Park:
    """Stop and ask a person."""

    reason: str
    next_action: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Settle:
    """The steps are over: release our arrangements."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything is released: close the run."""


type Act = Begin | Check | Rest | Park | Settle | Finish


def decide(
    run: Run,
    state: Fold,
    now: datetime,
    steps: Steps,
    *,
    approval_life: timedelta,
    epoch: str = "",
    stirred: bool = False,
) -> Act:
    """The next act. ``stirred`` says that the key which the run waits for has changed since.

    An approval is for exactly what was seen and for ``approval_life``; it is looked at before the first disruptive step
    and again before the destructive one.
    """
    match state.phase:
        case Phase.FINISHED | Phase.PARKED | Phase.HELD:
            return Rest(None)
        case Phase.SETTLED:
            return Finish()
    if state.idle_claims > IDLE_CLAIMS:
        return Park(
            f"{IDLE_CLAIMS} workers in a row ended during step {_step_name(run, state)} without a word",
            "look at the workers' logs, then retry or cancel",
        )
    due = stirred or state.last is None or state.last.due_at is None or now >= state.last.due_at
    if run.epoch and epoch and (state.epoch or run.epoch) != epoch:
        return Park(
            "store restored: this run was open in the backup, and nobody knows what has happened to the machine since",
            "look at the machine and at the inventory, then retry or cancel",
        )
    if state.phase is Phase.ENDING:
        return Settle() if due else Rest(state.last.due_at if state.last else None)
    unknown = _unknown_step(run, state, steps)
    if unknown:
        return Park(unknown, "finish it with a worker of the version that began it, or cancel and start again")
    step = steps[run.steps[state.step].name]
    if state.phase is Phase.ACTING:
        return Check()
    waiting = state.last is not None and state.last.kind in (Kind.WAITING, Kind.FAILED)
    if waiting and not due:
        return Rest(state.last.due_at if state.last else None)
    if state.intent_at is not None:
        return Check()
    if (
        (step.needs_approval or step.destructive)
        and run.approval
        and not state.approves(run.digest(), now, approval_life)
    ):
        again = " again, for the last one has expired" if state.approved == run.digest() else ""
        caution = f" ({run.caution})" if run.caution else ""
        return Park(
            f"{run.workflow} of {run.desired.label} waits for approval{again}: "
            f"{run.reason or 'no reason was given'}{caution}",
            "approve or deny it",
            digest=run.digest(),
        )
    return Begin()


def _step_name(run: Run, state: Fold) -> str:
    return run.steps[state.step].name if state.step < len(run.steps) else "settle"


def _unknown_step(run: Run, state: Fold, steps: Steps) -> str:
    wanted = run.steps[state.step]
    known = steps.get(wanted.name)
    if known is None:
        return f"step {wanted.name} is not known to this worker"
    if known.version != wanted.version:
        return f"step {wanted.name} is version {known.version} here, the run was made with version {wanted.version}"
    return ""
