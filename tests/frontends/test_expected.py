"""How long a run usually takes: a median of the nearest kin, and a blank where nothing is known."""

from datetime import timedelta

import pytest

from frontends.expected import History
from tests.workflows.samples import NOON, PROFILE, desired
from workflows.model.desired import Desired
from workflows.model.profile import Profile, Release, Sku
from workflows.model.status import NodeState, NodeStatus, StepTiming

pytestmark = pytest.mark.fast

HERE = desired("gpu-009")
RUNNING = NodeStatus(node=HERE.node, state=NodeState.RUNNING, workflow="provision", step="deploy", step_since=NOON)
LATER = NOON + timedelta(seconds=30)


def profile(sku: str, release: str) -> Profile:
    return Profile(
        sku=Sku(name=sku, system_disk=PROFILE.sku.system_disk),
        release=Release(name=release, image=PROFILE.release.image),
    )


def past(
    number: int, *seconds: float, sku: str = "lab", release: str = "r1", **changes: object
) -> tuple[Desired, NodeStatus]:
    """A node whose newest run ended well after identify, deploy and reach took these seconds."""
    wish = desired(f"gpu-{number:03}", profile=profile(sku, release))
    timings = tuple(
        StepTiming(step=s, seconds=t) for s, t in zip(("identify", "deploy", "reach"), seconds, strict=True)
    )
    status = NodeStatus(node=wish.node, workflow="provision", outcome="succeeded", timings=timings)
    return wish, status.model_copy(update=changes)


def told(history: History, status: NodeStatus = RUNNING) -> tuple[float | None, float | None]:
    """Expected seconds of the step, and seconds until the run's end, 30 s after the step began."""
    progress = history.progress(HERE, status, LATER)
    step = progress.expected.step.total_seconds() if progress.expected else None
    return step, progress.left.total_seconds() if progress.left is not None else None


def test_it_is_the_median_of_runs_of_the_same_profile() -> None:
    history = History([past(1, 1, 100, 10), past(2, 1, 120, 30), past(3, 1, 900, 20), past(4, 1, 5, 5, release="r0")])
    assert told(history) == (120, 90 + 20)
    assert history.progress(HERE, RUNNING, LATER).elapsed == timedelta(seconds=30)


def test_without_such_a_run_the_same_hardware_tells_then_any_of_the_workflow() -> None:
    hardware, any_ = past(1, 1, 100, 10, release="r0"), past(2, 1, 60, 10, sku="other", release="r0")
    assert told(History([hardware, any_])) == (100, 70 + 10)
    assert told(History([any_])) == (60, 30 + 10)


def test_a_step_that_takes_longer_than_usual_leaves_the_rest_and_never_less_than_nothing() -> None:
    assert told(History([past(1, 1, 20, 10)])) == (20, 10)


@pytest.mark.parametrize(
    "history",
    [
        [],
        [past(1, 1, 100, 10, workflow="reimage")],
        [past(1, 1, 100, 10, outcome="failed")],
        [past(1, 1, 100, 10, outcome="")],
    ],
    ids=["none", "another workflow", "failed", "not finished"],
)
def test_what_no_finished_run_shows_stays_blank(history: list[tuple[Desired, NodeStatus]]) -> None:
    assert told(History(history)) == (None, None)


@pytest.mark.parametrize(
    "changes", [{"state": NodeState.PARKED}, {"state": NodeState.HELD}, {"step": "settle"}, {"state": NodeState.IDLE}]
)
def test_what_waits_for_a_person_or_has_no_kin_is_not_given_an_end(changes: dict[str, object]) -> None:
    history = History([past(1, 1, 100, 10)])
    assert told(history, RUNNING.model_copy(update=changes)) == (None, None)


def test_a_look_from_before_the_step_began_counts_as_none_elapsed() -> None:
    assert History([]).progress(HERE, RUNNING, NOON - timedelta(seconds=5)).elapsed == timedelta()


def between(history: History, seconds: float = 30) -> tuple[float, float] | None:
    """The range of what is left, so many seconds after the step began."""
    least_most = history.progress(HERE, RUNNING, NOON + timedelta(seconds=seconds)).between
    return (least_most[0].total_seconds(), least_most[1].total_seconds()) if least_most is not None else None


def test_the_range_leaves_out_the_odd_tenth_on_either_side() -> None:
    history = History([past(n, 1, 100 + n, 10) for n in range(21)])
    assert between(history) == (70 + 2 + 10, 70 + 18 + 10)
    assert between(History([past(1, 1, 100, 10)])) == (80, 80)


def test_a_run_that_ended_the_step_sooner_says_nothing_about_one_that_is_still_in_it() -> None:
    history = History([past(1, 1, 20, 10), past(2, 1, 100, 50)])
    assert between(history) == (120, 120)


def test_a_step_that_takes_longer_than_in_any_run_has_no_range_and_that_is_said() -> None:
    history = History([past(1, 1, 20, 10)])
    assert between(history) is None
    assert history.progress(HERE, RUNNING, LATER).unheard_of
    assert not History([]).progress(HERE, RUNNING, LATER).unheard_of
