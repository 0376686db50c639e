"""What a chaos run is judged by: each witness can fail it alone, and one that attempted nothing proves nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lab.chaos.account import Account
from lab.chaos.report import ChaosReport, Hit, Recovery, late_entries, recoveries
from workflows.engine.ports import Value
from workflows.model.journal import Entry, Kind

pytestmark = pytest.mark.fast

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
GOOD = ChaosReport(
    seed=1,
    runs=2,
    seconds=60.0,
    ends={"succeeded": 2},
    parked=[],
    unended=[],
    blows={"kill -9 of a worker": 1},
    missed=1,
    skipped=[],
    wipes={"lab-001": 1, "lab-002": 1},
    double_wipes=[],
    stale_accepted=[],
    refused_by_store={"append": 1},
    refused_by_bmc={"writes": 0, "reads": 1},
    recoveries=[Recovery("chaos.lab-001", "kill", 21.0, False)],
    stranded=[],
)


def entry(token: int, number: int, seconds: float, kind: Kind = Kind.INTENT) -> Value:
    data = Entry(kind=kind, token=token, worker="w").encode()
    at = NOON + timedelta(seconds=seconds)
    return Value(f"journal.chaos.lab-001.g1.{token}.{number}", data, int(seconds * 10) + 1, at)


def test_a_good_run_has_no_problem() -> None:
    assert GOOD.problems() == []


@pytest.mark.parametrize(
    "change",
    [
        {"ends": {"succeeded": 1}},
        {"ends": {"succeeded": 1}, "unended": ["chaos.lab-002: no run"]},
        {"double_wipes": ["lab-001: 2 writes"]},
        {"stale_accepted": ["lab-001: POST by session 1 after one by session 2"]},
        {"stranded": ["chaos.lab-001: nobody took it over"]},
        {"recoveries": []},
        {"recoveries": [Recovery("chaos.lab-001", "kill", 30.1, True)]},
        {"refused_by_store": {"renewal": 3}},
        {"refused_by_bmc": {"writes": 0, "reads": 0}},
    ],
)
def test_any_one_witness_fails_it(change: dict[str, object]) -> None:
    assert len(replace(GOOD, **change).problems()) == 1  # type: ignore[arg-type]


def test_an_orphan_is_counted_from_the_blow_to_its_successors_first_entry() -> None:
    hit = Hit("kill", "w1", NOON + timedelta(seconds=10), {"chaos.lab-001": 5}, frozenset({"chaos.lab-001"}))
    found, stranded = recoveries([hit], [entry(5, 0, 9), entry(5, 1, 10.5), entry(8, 0, 31), entry(8, 1, 32)])
    assert (found, stranded) == ([Recovery("chaos.lab-001", "kill", 21.0, True)], [])


def test_an_orphan_that_was_hit_again_may_wait_as_long_again_and_is_counted_apart() -> None:
    orphan = Hit("kill", "w1", NOON, {"chaos.lab-001": 5})
    others = [
        Hit("kill", "w2", NOON + timedelta(seconds=22)),
        Hit("kill", "boot-1", NOON + timedelta(seconds=23), delays=False),
    ]
    [found], _ = recoveries([orphan, *others], [entry(5, 0, 1), entry(8, 0, 45)])
    assert (found.seconds, found.again) == (45.0, 1)
    assert replace(GOOD, recoveries=[found]).problems() == []
    assert len(replace(GOOD, recoveries=[replace(found, again=0)]).problems()) == 1


def test_a_worker_that_was_lost_with_its_server_counts_as_hit_again() -> None:
    cut = Hit("cut", "w1", NOON, {"chaos.lab-001": 5}, with_server=True)
    [found], _ = recoveries([cut], [entry(5, 0, 1), entry(8, 0, 31)])
    assert (found.seconds, found.again) == (31.0, 1)


def test_an_orphan_that_nobody_took_is_stranded_unless_its_run_rests_by_itself() -> None:
    hit = Hit("kill", "w1", NOON, {"chaos.lab-001": 5})
    assert recoveries([hit], [entry(5, 0, 1)])[1] == ["chaos.lab-001: nobody took it over after kill of w1"]
    assert recoveries([hit], [entry(5, 0, 1), entry(5, 1, 2, Kind.FINISHED)]) == ([], [])


def test_an_entry_of_an_older_holder_after_a_newer_ones_is_found() -> None:
    assert late_entries([entry(5, 0, 1), entry(8, 0, 2), entry(8, 1, 3)]) == []
    assert len(late_entries([entry(5, 0, 1), entry(8, 0, 2), entry(5, 1, 3)])) == 1


def test_a_write_outside_a_grant_is_a_double_wipe() -> None:
    granted = frozenset({"chaos.lab-001.g1.1", "chaos.lab-001.g1.2"})

    def wiped(*under: str, images: int | None = None) -> list[str]:
        account = Account(name="lab-001", wiped_under=under, images_on_disk=len(under) if images is None else images)
        return account.double_wipes(granted)

    assert wiped("chaos.lab-001.g1.1", "chaos.lab-001.g1.2") == []
    assert len(wiped("chaos.lab-001.g1.1", "chaos.lab-001.g1.1")) == 1
    assert len(wiped("chaos.lab-001.g9.1")) == 1
    assert len(wiped("chaos.lab-001.g1.1", images=2)) == 1


def test_a_change_for_an_older_session_after_a_newer_ones_is_a_stale_act() -> None:
    assert Account(name="a", obeyed=((1, "POST r"), (2, "PATCH s"), (2, "POST r"))).stale_acts() == []
    assert len(Account(name="a", obeyed=((1, "POST r"), (2, "PATCH s"), (1, "POST r"))).stale_acts()) == 1
