"""``bringup stuck``: what waits past its own deadline, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from frontends.expected import History
from frontends.read_model import NodeView, fleet
from frontends.stuck import UNTENDED, Stuck, stuck
from tests.workflows.samples import desired
from tests.workflows.standings import STANDINGS
from workflows.engine.standing import Standing
from workflows.model.status import NodeState, NodeStatus

pytestmark = pytest.mark.fast

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def found(*statuses: dict[str, object]) -> list[Stuck]:
    views = [
        NodeView(
            desired(f"gpu-{n:03d}"),
            NodeStatus.model_validate(
                {"node": f"lab.nb-{n}", "since": NOW - 9 * HOUR, "next_action": "do it"} | status
            ),
            History([]),
        )
        for n, status in enumerate(statuses, 1)
    ]
    return stuck(views, NOW, 4 * HOUR)


@pytest.mark.parametrize("state", [NodeState.RUNNING, NodeState.WAITING, NodeState.PARKED, NodeState.HELD])
def test_a_wait_is_listed_from_its_deadline_on(state: NodeState) -> None:
    status = {"state": state, "due_at": NOW if state is NodeState.WAITING else None}
    assert found({**status, "deadline": NOW}) == []
    (late,) = found({**status, "deadline": NOW - HOUR / 60})
    assert (late.next_action, late.as_json(NOW)["overdue_seconds"]) == ("do it", 60)


@pytest.mark.parametrize("state", [NodeState.IDLE, NodeState.WOULD, NodeState.FAILED, NodeState.IN_SERVICE])
def test_what_rests_is_not_stuck(state: NodeState) -> None:
    assert found({"state": state, "deadline": NOW - HOUR, "due_at": NOW - HOUR}) == []


def test_what_no_worker_comes_to_says_so_before_its_deadline() -> None:
    waiting = {"state": NodeState.WAITING, "deadline": NOW + HOUR}
    assert found({**waiting, "due_at": NOW - UNTENDED}) == []
    (late,) = found({**waiting, "due_at": NOW - UNTENDED - HOUR})
    assert "no worker has come to it for 70 minutes" in late.next_action
    (between,) = found({"state": NodeState.RUNNING})
    assert "no worker" in between.next_action


def test_an_older_park_without_a_deadline_is_measured_from_when_it_parked_and_the_longest_is_first() -> None:
    parked = {"state": NodeState.PARKED}
    late = found({**parked, "since": NOW - 5 * HOUR}, {**parked, "since": NOW - 6 * HOUR}, {**parked, "since": NOW})
    assert [each.view.desired.label for each in late] == ["gpu-002", "gpu-001"]


@pytest.mark.parametrize("standing", [s for s in Standing if s not in (Standing.NEW, Standing.WELL, Standing.BADLY)])
async def test_every_open_run_is_listed_when_nobody_does_anything(standing: Standing) -> None:
    """No run is ever just open: where neither worker nor person comes, it is stuck within a day."""
    site = await STANDINGS[standing]()
    has_run = (await site.view()).open_run is not None
    later = site.clock.now() + timedelta(days=1)
    late = stuck(await fleet(site.store, "lab"), later, site.settings.answer_life)
    assert [bool(each.view.status.reason and each.next_action) for each in late] == [True] * has_run
    assert stuck(await fleet(site.store, "lab"), site.clock.now(), site.settings.answer_life) == []
