"""Run journal: the run's append-only entries, the one transition table, and the fold that says where a run stands.

Theory of operation. An entry lives under ``journal.<node>.<cause>.<token>.<n>`` and is accepted by the server only
while its writer holds the node's lease. ``token`` is the sequence at which that lease was acquired, so no two holders
ever share a key; order is by stream sequence. ``fold`` replays the entries through ``NEXT``: an entry that the table
doesn't allow in the phase it arrives in is a bug of ours or a forged record, and raises.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.model.errors import BadInput
from workflows.model.keys import Cause, NodeKey
from workflows.model.record import Json, Record
from workflows.model.run import Run


class Kind(StrEnum):
    """What an entry says. *Waiting* is on the world, *parked* on a person."""

    CLAIMED = "claimed"
    SESSION = "session"
    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    PARKED = "parked"
    RESUMED = "resumed"
    HELD = "held"
    UNHELD = "unheld"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    SETTLED = "settled"
    FINISHED = "finished"


class Phase(StrEnum):
    """Where a run stands between two entries."""

    READY = "ready"
    ACTING = "acting"
    WAITING = "waiting"
    PARKED = "parked"
    HELD = "held"
    ENDING = "ending"
    SETTLED = "settled"
    FINISHED = "finished"


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DENIED = "denied"


class Entry(Record):
    """One entry. ``request``: sequence of the command that it answers; ``watch``: a key whose change ends a wait.

    ``given_at``: when an approval was given, which may be long before its run came to need it (server time). ``epoch``: the
    store's, where a person decided in it (``model/epoch.py``). ``withdrawn``: a wait before the act, which takes the open
    intent back, because nothing was done for it yet.
    """

    kind: Kind
    token: int
    worker: str
    step: int = 0
    attempt: int = 0
    reason: str = ""
    next_action: str = ""
    deadline: datetime | None = None
    due_at: datetime | None = None
    watch: str | None = None
    watch_seq: int = 0
    baseline: Json = None
    session: str | None = None
    person: str = ""
    digest: str = ""
    request: int = 0
    given_at: datetime | None = None
    final: bool = False
    withdrawn: bool = False
    epoch: str = ""
    outcome: Outcome | None = None
    result: Json = None


_ALIVE = (Phase.READY, Phase.ACTING, Phase.WAITING, Phase.PARKED, Phase.HELD)
_WORKING = (Phase.READY, Phase.ACTING, Phase.WAITING)

#: The legal transitions: kind → phases it may arrive in. What it leads to is computed by ``_after``.
NEXT: dict[Kind, tuple[Phase, ...]] = {
    Kind.CLAIMED: (*_ALIVE, Phase.ENDING, Phase.SETTLED),
    Kind.SESSION: (*_ALIVE, Phase.ENDING, Phase.SETTLED),
    Kind.INTENT: (Phase.READY, Phase.WAITING),
    Kind.DONE: (Phase.ACTING, Phase.WAITING),
    Kind.FAILED: _WORKING,
    Kind.WAITING: (*_WORKING, Phase.ENDING),
    Kind.PARKED: (*_WORKING, Phase.ENDING),
    Kind.RESUMED: (Phase.PARKED,),
    Kind.APPROVED: (Phase.PARKED, Phase.READY, Phase.WAITING),
    Kind.DENIED: (Phase.PARKED, Phase.WAITING),
    Kind.HELD: (*_WORKING, Phase.PARKED),
    Kind.UNHELD: (Phase.HELD,),
    Kind.CANCELLED: _ALIVE,
    Kind.SETTLED: (Phase.ENDING,),
    Kind.FINISHED: (Phase.SETTLED,),
}


#: Where an entry with a digest is a question to a person: whether to do it at all, or to do it beyond a full cap.
_ASKING = ((Phase.PARKED, Kind.PARKED), (Phase.WAITING, Kind.WAITING))


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one step took, from its first intent to done."""

    step: str
    seconds: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Fold:
    """Where a run stands. ``intent_at`` is the server's time of the open intent, None between steps.

    ``first_baseline`` is that of the step's first try, until a person lets the step begin anew.
    ``parked_at`` is when it last parked, ``beneath`` what a hold interrupted: unheld, the run stands exactly there again.
    """

    phase: Phase = Phase.READY
    step: int = 0
    attempt: int = 1
    intent_at: datetime | None = None
    first_intent_at: datetime | None = None
    baseline: Json = None
    first_baseline: Json = None
    applied: bool = False
    last: Entry | None = None
    last_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    epoch: str = ""
    approved: str = ""
    approved_at: datetime | None = None
    over_caps: bool = False
    resume_to: Phase = Phase.READY
    parked_at: datetime | None = None
    beneath: "Fold | None" = None
    sessions: tuple[str, ...] = ()
    idle_claims: int = 0
    requests: frozenset[int] = frozenset()
    results: tuple[tuple[str, Json], ...] = ()
    timings: tuple[Timing, ...] = field(default=())

    @property
    def question(self) -> str:
        """The digest of what a person may approve now; empty where the run doesn't ask."""
        asks = self.last is not None and (self.phase, self.last.kind) in _ASKING
        return self.last.digest if asks and self.last is not None else ""

    def approves(self, digest: str, now: datetime, life: timedelta) -> bool:
        """Whether a person approved exactly what has this digest, less than ``life`` ago."""
        return self.approved == digest and self.approved_at is not None and now < self.approved_at + life

    def result(self, step: str) -> Json:
        """What a finished step left for later ones; None where it left nothing."""
        return dict(self.results).get(step)


def came_to(run: Run, state: Fold, step: str) -> bool:
    """Whether the run began this step, or is past it."""
    at = next((i for i, s in enumerate(run.steps) if s.name == step), None)
    return at is not None and (state.step > at or (state.step == at and state.first_intent_at is not None))


def ended_gently(run: Run, state: Fold) -> bool:
    """Whether a person ended the run before it came to its wipe grant, so that the node is what it was before."""
    return state.outcome in (Outcome.CANCELLED, Outcome.DENIED) and not came_to(run, state, "netboot")


def journal_key(node: NodeKey, cause: Cause, token: int, number: int) -> str:
    """The key of one entry."""
    return f"journal.{node}.{cause}.{token}.{number}"


def fold(run: Run, entries: Iterable[tuple[Entry, datetime]]) -> Fold:
    """Replay a journal, entries with the server's time of each, in stream order.

    Raises:
        BadInput: an entry that the table doesn't allow in the phase it arrives in.
    """
    state = Fold()
    for entry, at in entries:
        if state.phase not in NEXT[entry.kind]:
            raise BadInput(f"journal of {run.id}: {entry.kind} is not legal while {state.phase}")
        state = _after(run, state, entry, at)
    return state


def _after(run: Run, state: Fold, entry: Entry, at: datetime) -> Fold:
    if entry.request:
        state = replace(state, requests=state.requests | {entry.request})
    if entry.kind is Kind.CLAIMED:
        return replace(state, idle_claims=state.idle_claims + 1, last_at=at)
    state = replace(state, idle_claims=0, last_at=at, epoch=entry.epoch or state.epoch)
    match entry.kind:
        case Kind.SESSION:
            return replace(state, sessions=(*state.sessions, entry.session or ""))
        case Kind.INTENT:
            return replace(
                state,
                phase=Phase.ACTING,
                intent_at=at,
                first_intent_at=state.first_intent_at or at,
                baseline=entry.baseline,
                first_baseline=entry.baseline if state.first_baseline is None else state.first_baseline,
                applied=False,
                last=entry,
            )
        case Kind.DONE:
            return _step_done(run, state, entry, at)
        case Kind.FAILED if entry.final:
            return replace(state, phase=Phase.ENDING, outcome=Outcome.FAILED, reason=entry.reason, last=entry)
        case Kind.FAILED:
            return replace(
                state, phase=Phase.READY, attempt=state.attempt + 1, intent_at=None, baseline=None, last=entry
            )
        case Kind.WAITING if state.phase is Phase.ENDING:
            return replace(state, last=entry, reason=state.reason)
        case Kind.WAITING if entry.withdrawn:
            return replace(state, phase=Phase.WAITING, intent_at=None, baseline=None, applied=False, last=entry)
        case Kind.WAITING:
            return replace(state, phase=Phase.WAITING, applied=state.intent_at is not None, last=entry)
        case Kind.PARKED:
            why = state.reason if state.phase is Phase.ENDING else entry.reason
            return replace(state, phase=Phase.PARKED, resume_to=state.phase, parked_at=at, last=entry, reason=why)
        case Kind.RESUMED:
            ending = state.resume_to is Phase.ENDING
            return replace(
                state,
                phase=Phase.ENDING if ending else Phase.READY,
                attempt=1,
                intent_at=None,
                baseline=None,
                first_baseline=None,
                last=entry,
                reason=state.reason if ending else "",
            )
        case Kind.APPROVED:
            return replace(
                state,
                phase=state.resume_to if state.phase is Phase.PARKED else state.phase,
                approved=entry.digest,
                approved_at=entry.given_at or at,
                over_caps=state.over_caps or (state.phase is Phase.WAITING and entry.request > 0),
                last=entry,
                reason="",
            )
        case Kind.HELD:
            return replace(state, phase=Phase.HELD, beneath=state, last=entry)
        case Kind.UNHELD:
            assert state.beneath is not None
            return replace(
                state.beneath,
                last_at=at,
                epoch=state.epoch,
                sessions=state.sessions,
                idle_claims=0,
                requests=state.requests,
            )
        case Kind.DENIED:
            return replace(state, phase=Phase.ENDING, outcome=Outcome.DENIED, reason=entry.reason, last=entry)
        case Kind.CANCELLED:
            return replace(state, phase=Phase.ENDING, outcome=Outcome.CANCELLED, reason=entry.reason, last=entry)
        case Kind.SETTLED:
            return replace(state, phase=Phase.SETTLED, last=entry)
        case Kind.FINISHED:
            return replace(state, phase=Phase.FINISHED, outcome=entry.outcome, last=entry)
    raise AssertionError(entry.kind)


def _step_done(run: Run, state: Fold, entry: Entry, at: datetime) -> Fold:
    started = state.first_intent_at or at
    name = run.steps[state.step].name
    last_step = state.step + 1 == len(run.steps)
    return replace(
        state,
        phase=Phase.ENDING if last_step else Phase.READY,
        outcome=Outcome.SUCCEEDED if last_step else None,
        step=state.step + 1,
        attempt=1,
        intent_at=None,
        first_intent_at=None,
        baseline=None,
        first_baseline=None,
        last=entry,
        results=(*state.results, (name, entry.result)),
        timings=(*state.timings, Timing(name, (at - started).total_seconds(), state.attempt)),
    )
