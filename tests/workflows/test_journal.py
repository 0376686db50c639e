"""The journal's table: what may follow what, and what a fold says of a run."""

from datetime import timedelta

import pytest

from tests.workflows.samples import MINUTE, NOON, run
from workflows.model.errors import BadInput
from workflows.model.journal import NEXT, Entry, Fold, Kind, Outcome, Phase, fold

pytestmark = pytest.mark.fast


def entry(kind: Kind, **fields: object) -> Entry:
    return Entry.model_validate({"kind": kind, "token": 7, "worker": "w1", **fields})


def folded(*entries: Entry, workflow: str = "adopt") -> Fold:
    return fold(run(workflow=workflow), [(e, NOON + n * MINUTE) for n, e in enumerate(entries)])


def step() -> list[Entry]:
    return [entry(Kind.INTENT), entry(Kind.DONE, result={"x": 1})]


def test_a_whole_run_folds_to_its_outcome_with_timings_and_results() -> None:
    state = folded(
        entry(Kind.CLAIMED),
        *step() * 3,
        entry(Kind.SETTLED),
        entry(Kind.FINISHED, outcome=Outcome.SUCCEEDED),
    )
    assert state.phase is Phase.FINISHED
    assert state.outcome is Outcome.SUCCEEDED
    assert [(t.step, t.seconds) for t in state.timings] == [(s, 60.0) for s in ("identify", "inspect", "register")]
    assert state.result("identify") == {"x": 1}


def test_nothing_may_follow_finished() -> None:
    done = [*step() * 3, entry(Kind.SETTLED), entry(Kind.FINISHED, outcome=Outcome.SUCCEEDED)]
    for kind in Kind:
        with pytest.raises(BadInput, match="not legal while finished"):
            folded(*done, entry(kind))


def test_every_kind_has_a_row_and_every_phase_but_the_last_a_way_out() -> None:
    assert set(NEXT) == set(Kind)
    leave = {phase for phases in NEXT.values() for phase in phases}
    assert leave == set(Phase) - {Phase.FINISHED}


def test_done_without_intent_is_refused() -> None:
    with pytest.raises(BadInput, match="done is not legal while ready"):
        folded(entry(Kind.DONE))


def test_a_failed_try_keeps_the_step_and_counts_the_attempt() -> None:
    state = folded(entry(Kind.INTENT), entry(Kind.FAILED, reason="no answer"))
    assert (state.phase, state.step, state.attempt) == (Phase.READY, 0, 2)
    assert state.intent_at is None


def test_waiting_after_an_intent_remembers_that_it_was_applied() -> None:
    assert folded(entry(Kind.INTENT), entry(Kind.WAITING)).applied
    assert not folded(entry(Kind.WAITING)).applied


def test_hold_gives_back_the_phase_it_interrupted() -> None:
    held = [entry(Kind.INTENT), entry(Kind.WAITING), entry(Kind.HELD)]
    assert folded(*held).phase is Phase.HELD
    back = folded(*held, entry(Kind.UNHELD))
    assert back.phase is Phase.WAITING
    assert back.intent_at is not None


def test_claims_without_a_word_are_counted_and_any_word_clears_them() -> None:
    claims = [entry(Kind.CLAIMED)] * 3
    assert folded(*claims).idle_claims == 3
    assert folded(*claims, entry(Kind.INTENT)).idle_claims == 0


def test_time_between_retries_counts_into_a_steps_timing() -> None:
    state = folded(entry(Kind.INTENT), entry(Kind.FAILED), entry(Kind.INTENT), entry(Kind.DONE))
    assert state.timings[0].seconds == timedelta(minutes=3).total_seconds()
    assert state.timings[0].attempts == 2
