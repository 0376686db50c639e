"""``watch``: the screen's lines go to who is needed first, then to what ends soonest; and nothing is drawn elsewhere."""

from datetime import timedelta
from io import StringIO

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from frontends.cli.watch import add_watch, screen
from frontends.expected import History
from frontends.read_model import NodeView
from tests.workflows.samples import NOON, desired
from workflows.model.errors import BadInput
from workflows.model.status import NodeState, NodeStatus, StepTiming

pytestmark = pytest.mark.fast


def view(number: int, state: NodeState, history: History | None = None, **changes: object) -> NodeView:
    wish = desired(f"gpu-{number:03}")
    status = NodeStatus(node=wish.node, state=state, since=NOON, workflow="provision")
    return NodeView(wish, status.model_copy(update=changes), history or History([]))


def drawn(views: list[NodeView], height: int = 40, width: int = 110) -> str:
    out = StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    console.print(screen(views, NOON + timedelta(seconds=30), height))
    return out.getvalue()


def test_who_is_needed_stands_above_what_is_at_work_and_the_worst_first() -> None:
    text = drawn(
        [
            view(1, NodeState.RUNNING, step="deploy", step_count=13, step_index=5, reason="it writes"),
            view(2, NodeState.PARKED, digest="d" * 64, reason="waits for approval"),
            view(3, NodeState.FAILED, reason="a GPU is missing"),
            view(4, NodeState.WAITING, deadline=NOON, reason="no script was asked for"),
            view(5, NodeState.IN_SERVICE),
        ]
    )
    places = [text.index(name) for name in ("gpu-003", "gpu-004", "gpu-002", "gpu-001")]
    assert places == sorted(places)
    assert "Needs a person: 3" in text
    assert "gpu-005" not in text
    assert "deploy 6/13" in text


def test_what_ends_soonest_comes_first_with_its_time_left() -> None:
    past = NodeStatus(
        node="lab.nb-9", workflow="provision", outcome="succeeded",
        timings=(StepTiming(step="deploy", seconds=600), StepTiming(step="reach", seconds=60)),
    )  # fmt: skip
    history = History([(desired("gpu-009"), past)])
    busy = {"history": history, "step_count": 13, "step_since": NOON}
    text = drawn([view(1, NodeState.RUNNING, step="deploy", **busy), view(2, NodeState.RUNNING, step="reach", **busy)])  # type: ignore[arg-type]
    assert text.index("gpu-002") < text.index("gpu-001")
    assert "~10m30s" in text


@pytest.mark.parametrize("height", [8, 24])
def test_a_full_site_fits_any_screen_and_says_what_is_left_out(height: int) -> None:
    views = [view(n, NodeState.FAILED, reason="x" * 300) for n in range(1, 200)]
    views += [view(n, NodeState.RUNNING, step="deploy") for n in range(200, 400)]
    text = drawn(views, height)
    assert len(text.splitlines()) <= height
    assert "Needs a person: 199 (the first" in text
    assert "At work: 200 (the first" in text


def test_names_are_no_markup() -> None:
    assert "[red]boo[/red]" in drawn([view(1, NodeState.FAILED, reason="[red]boo[/red]")])


def test_elsewhere_than_on_a_terminal_it_says_what_to_use() -> None:
    cli = typer.Typer()
    add_watch(cli, lambda: pytest.fail("nothing is opened"))
    with pytest.raises(BadInput, match="status --watch"):
        CliRunner().invoke(cli, [], catch_exceptions=False)
