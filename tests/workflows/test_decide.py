"""``decide``: what a run needs next."""

from datetime import timedelta

import pytest

from tests.workflows.samples import MINUTE, NOON, run
from tests.workflows.test_journal import entry
from workflows.catalog import STEPS
from workflows.engine.decide import Act, Begin, Check, Finish, Park, Rest, Settle, decide
from workflows.model.journal import Entry, Kind, fold
from workflows.model.run import Run, StepRef

pytestmark = pytest.mark.fast

DAY = timedelta(days=1)


def decided(of: Run, *entries: Entry, minutes: int = 0, stirred: bool = False) -> Act:
    state = fold(of, [(e, NOON) for e in entries])
    return decide(of, state, NOON + minutes * MINUTE, STEPS, approval_life=DAY, stirred=stirred)


def test_a_new_run_begins_and_an_open_intent_is_verified_first() -> None:
    assert decided(run()) == Begin()
    assert decided(run(), entry(Kind.INTENT)) == Check()


def test_a_wait_rests_until_due_and_goes_on_when_stirred() -> None:
    waiting = (entry(Kind.INTENT), entry(Kind.WAITING, due_at=NOON + 5 * MINUTE))
    assert decided(run(), *waiting) == Rest(NOON + 5 * MINUTE)
    assert decided(run(), *waiting, stirred=True) == Check()
    assert decided(run(), *waiting, minutes=5) == Check()


def test_a_failed_try_waits_for_its_pause() -> None:
    failed = (entry(Kind.INTENT), entry(Kind.FAILED, due_at=NOON + MINUTE))
    assert decided(run(), *failed) == Rest(NOON + MINUTE)
    assert decided(run(), *failed, minutes=1) == Begin()


def test_three_claims_without_a_word_park_the_fourth() -> None:
    claims = [entry(Kind.CLAIMED)] * 3
    assert decided(run(), *claims) == Begin()
    act = decided(run(), *claims, entry(Kind.CLAIMED))
    assert isinstance(act, Park)
    assert "identify" in act.reason


def test_a_step_of_another_version_parks_instead_of_running() -> None:
    old = run(steps=(StepRef(name="identify", version=0),))
    act = decided(old)
    assert isinstance(act, Park)
    assert "version 0" in act.reason
    gone = decided(run(steps=(StepRef(name="polish", version=1),)))
    assert isinstance(gone, Park)
    assert "polish is not known" in gone.reason


def _before(step: str) -> int:
    """How many steps of a provision come before this one."""
    return [s.name for s in run().steps].index(step)


def test_the_first_disruptive_step_waits_for_approval_of_exactly_what_was_seen() -> None:
    of = run(approval=True)
    before = (entry(Kind.INTENT), entry(Kind.DONE)) * _before("power_off")
    act = decided(of, *before)
    assert isinstance(act, Park)
    assert act.digest == of.digest()
    parked = (*before, entry(Kind.PARKED, digest=act.digest))
    assert decided(of, *parked) == Rest(None)
    assert decided(of, *parked, entry(Kind.APPROVED, digest=act.digest)) == Begin()
    assert isinstance(decided(of, *parked, entry(Kind.APPROVED, digest="0" * 64)), Park)
    assert decided(run(), *before) == Begin()


def test_an_approval_ends_after_its_time_also_between_the_first_step_and_the_wipe() -> None:
    of = run(approval=True)
    done = (entry(Kind.INTENT), entry(Kind.DONE))
    before = done * _before("power_off")
    approved = (*before, entry(Kind.PARKED, digest=of.digest()), entry(Kind.APPROVED, digest=of.digest()))
    assert decided(of, *approved, minutes=24 * 60 - 1) == Begin()
    assert isinstance(decided(of, *approved, minutes=24 * 60), Park)
    before_the_wipe = (*approved, *done, *done)
    assert decided(of, *before_the_wipe, minutes=60) == Begin()
    late = decided(of, *before_the_wipe, minutes=24 * 60)
    assert isinstance(late, Park)
    assert "expired" in late.reason


def test_the_end_settles_before_it_finishes_whatever_the_outcome() -> None:
    for ending in (entry(Kind.CANCELLED), entry(Kind.FAILED, final=True)):
        assert decided(run(), ending) == Settle()
        assert decided(run(), ending, entry(Kind.SETTLED)) == Finish()
