"""Outliers beside floors: the slow part is shown, the missing one never typical, and few members say so."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from burn_in.judges.sisters import judge_sisters
from burn_in.statistics.cohort import LIMITS, compare_nodes, propose
from burn_in.statistics.outliers import Standing, compare
from burn_in.thresholds import load
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast
_FLOOR = Threshold(value=400, source="somebody", date="2026-01-01", method="at least")
_CEILING = Threshold(value=2.5, source="somebody", date="2026-01-01", method="at most")


def _gpus(*values: float | None) -> dict[str, float | None]:
    return {f"gpu{n}": value for n, value in enumerate(values)}


def _verdicts(values: dict[str, float | None], limit: Threshold | None = _FLOOR) -> dict[str, Verdict]:
    return {c.entity: c.verdict for c in judge_sisters("x", values, limit, "GB/s", Action.SERVICE)}


def test_the_slow_one_of_eight_passes_and_is_shown() -> None:
    """9 % behind its sisters, above the floor: a WARN that says by how much."""
    checks = judge_sisters("x", _gpus(480, 481, 479, 480, 437, 482, 480, 481), _FLOOR, "GB/s", Action.SERVICE)
    assert [c.entity for c in checks if c.verdict is not Verdict.PASS] == ["gpu4"]
    assert checks[4].verdict is Verdict.WARN
    assert "9.0% worse than the median of 8, 480" in checks[4].message


def test_a_part_under_the_floor_fails_however_typical() -> None:
    """All eight slow: the median is no excuse."""
    assert set(_verdicts(_gpus(*[300.0] * 8)).values()) == {Verdict.FAIL}


def test_a_minority_of_bad_parts_hides_nothing() -> None:
    """Three of eight are slow: a mean and its deviation would take all for typical."""
    places = compare(_gpus(480, 481, 479, 480, 482, 400, 401, 399))
    assert {n for n, p in places.items() if p.standing is Standing.SLOW} == {"gpu5", "gpu6", "gpu7"}


def test_a_spread_that_is_the_rule_is_no_outlier() -> None:
    """Values that scatter by 4 %, and eight equal ones with one a hair below."""
    assert {p.standing for p in compare(_gpus(460, 470, 480, 490, 465, 485, 475, 478)).values()} == {Standing.TYPICAL}
    assert compare(_gpus(*[480.0] * 7, 479.9))["gpu7"].standing is Standing.TYPICAL
    scattered = compare(_gpus(430, 450, 470, 490, 510, 530, 445, 500))
    assert scattered["gpu0"].share is not None
    assert scattered["gpu0"].share < -0.1
    assert scattered["gpu0"].standing is Standing.TYPICAL, "10 % behind is the rule where all scatter by that"


def test_few_members_are_judged_by_the_floor_and_say_so() -> None:
    """Four: a median of them says nothing."""
    checks = judge_sisters("x", _gpus(480, 480, 480, 405), _FLOOR, "GB/s", Action.SERVICE)
    assert {c.verdict for c in checks} == {Verdict.PASS}
    assert all("floor only: 4 members" in c.message for c in checks)
    assert _verdicts(_gpus(480, 480, 480, 395))["gpu3"] is Verdict.FAIL


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf, -math.inf])
def test_a_missing_value_is_unknown_and_in_no_median(nothing: float | None) -> None:
    """Also where it is no number: it never passes, and the others are compared without it."""
    verdicts = _verdicts(_gpus(480, 480, 480, 480, 480, nothing))
    assert verdicts.pop("gpu5") is Verdict.UNKNOWN
    assert set(verdicts.values()) == {Verdict.PASS}


def test_without_a_floor_nothing_passes() -> None:
    """Like each other is not good enough."""
    assert set(_verdicts(_gpus(*[480.0] * 8), None).values()) == {Verdict.UNKNOWN}


def test_latency_is_slow_above_the_median() -> None:
    """The other direction."""
    latencies = _gpus(1.2, 1.2, 1.21, 1.19, 1.2, 1.9)
    checks = judge_sisters("x", latencies, _CEILING, "us", Action.SERVICE, higher_is_better=False)
    assert [c.verdict for c in checks] == [Verdict.PASS] * 5 + [Verdict.WARN]


@given(st.lists(st.floats(1, 1e6), min_size=5, max_size=40), st.integers(-20, 20))
def test_the_unit_does_not_matter(values: list[float], power: int) -> None:
    """The same parts stand apart in any unit; factors of two, which floats multiply exactly."""
    plain = [p.standing for p in compare(_gpus(*values)).values()]
    assert plain == [p.standing for p in compare(_gpus(*(v * 2.0**power for v in values))).values()]


def _report(values: list[float], accepted: bool = True) -> BurnInReport:
    checks = [Check(id="nvlink.speed", entity=f"g{n}", verdict=Verdict.PASS, value=v, unit="GB/s")
              for n, v in enumerate(values)]  # fmt: skip
    other = Check(id="other", verdict=Verdict.PASS if accepted else Verdict.FAIL)
    return BurnInReport(level="quick", checks=(*checks, other))


def test_the_slow_node_of_a_cohort_is_found_by_its_slowest_part() -> None:
    """And one whose report has no such check stands nowhere."""
    chance = random.Random(7)  # noqa: S311 - a planted fault, no secret
    reports = {f"n{n}": _report([chance.gauss(480, 2) for _ in range(8)]) for n in range(20)}
    reports["n7"] = _report([480] * 7 + [430])
    reports["n8"] = BurnInReport(level="quick")
    places = compare_nodes(reports, "nvlink.speed")
    assert {n for n, p in places.items() if p.standing is Standing.SLOW} == {"n7"}
    assert places["n8"].standing is Standing.MISSING


def test_floors_come_from_accepted_nodes_only() -> None:
    """A refused node's slow parts lower no floor; four nodes propose none."""
    reports = {f"n{n}": _report([480, 478]) for n in range(5)} | {"bad": _report([100, 480], accepted=False)}
    (proposal,) = propose(reports)
    assert (proposal.limit, proposal.unit, proposal.nodes, proposal.parts) == ("nvlink_link_gbs", "GB/s", 5, 10)
    assert set(LIMITS.values()) <= set(load.LIMITS), "each is a limit that a site can give"
    assert proposal.floor == pytest.approx(0.95 * 478)
    del reports["n0"]
    assert propose(reports) == ()
