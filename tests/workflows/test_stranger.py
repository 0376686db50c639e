"""The record of strangers: everybody is in it once, and nobody can make it grow."""

from datetime import timedelta

import pytest

from tests.workflows.samples import MINUTE, NOON
from workflows.model.stranger import AT_MOST, Strangers

pytestmark = pytest.mark.fast

NONE = Strangers(site="lab")
SECOND = timedelta(seconds=1)


def test_one_that_asks_again_is_counted_and_comes_first() -> None:
    seen = NONE.noting("m1", "S1", "", "why", NOON).noting("m2", "S2", "", "why", NOON)
    again = seen.noting("m1", "S1", "", "another why", NOON + MINUTE)
    assert [(s.mac, s.times, s.why) for s in again.seen] == [("m1", 2, "another why"), ("m2", 1, "why")]
    assert (again.seen[0].first, again.seen[0].last) == (NOON, NOON + MINUTE)


def test_one_that_loops_is_not_noted_each_time() -> None:
    seen = NONE.noting("m1", "", "", "why", NOON)
    assert seen.noting("m1", "", "", "why", NOON + SECOND) is seen


def test_whoever_makes_up_machines_fills_one_record_and_writes_it_once_a_second() -> None:
    seen = NONE
    for number in range(1000):
        seen = seen.noting(f"m{number}", "", "", "why", NOON)
    assert len(seen.seen) == AT_MOST
    assert seen.noting("new", "", "", "why", NOON) is seen
    later = seen.noting("new", "", "", "why", NOON + SECOND)
    assert (later.seen[0].mac, len(later.seen)) == ("new", AT_MOST)
