"""A node's row: small, complete, and its buttons are what the command consumer would take."""

from datetime import timedelta

import pytest

from frontends.expected import History
from frontends.read_model import NodeView
from frontends.web.rows import row, verbs_of
from tests.workflows.samples import NOON, desired
from workflows.engine.standing import FITS, of_status
from workflows.model.command import Verb
from workflows.model.status import NodeState, NodeStatus

pytestmark = pytest.mark.fast


def view(problems: tuple[str, ...] = (), **changes: object) -> NodeView:
    wish = desired("gpu-001", problems=problems)
    return NodeView(wish, NodeStatus(node=wish.node).model_copy(update=changes), History([]))


@pytest.mark.parametrize(
    ("changes", "verbs"),
    [
        ({}, ["provision", "adopt"]),
        ({"state": NodeState.IN_SERVICE, "run": "r", "outcome": "succeeded", "accepted_run": "r"}, ["reimage"]),
        ({"state": NodeState.FAILED, "run": "r", "outcome": "failed"}, ["retry", "provision", "adopt"]),
        ({"state": NodeState.PARKED, "run": "r", "digest": "d" * 64}, ["approve", "deny", "cancel", "hold"]),
        ({"state": NodeState.PARKED, "run": "r"}, ["retry", "cancel", "hold"]),
        ({"state": NodeState.WAITING, "run": "r", "digest": "d" * 64}, ["approve", "deny", "cancel", "hold"]),
        ({"state": NodeState.RUNNING, "run": "r"}, ["cancel", "hold"]),
        ({"state": NodeState.HELD, "run": "r"}, ["unhold", "cancel"]),
        ({"problems": ("no serial",)}, []),
    ],
    ids=["new", "in service", "failed", "approval", "fault", "full", "at work", "held", "record"],
)
def test_the_first_buttons_are_what_is_meant_most_and_all_of_them_fit(
    changes: dict[str, object], verbs: list[Verb]
) -> None:
    shown = view(**changes)  # type: ignore[arg-type]
    buttons = verbs_of(shown)
    assert (buttons[: len(verbs)], bool(buttons)) == (verbs, bool(verbs))
    assert set(buttons) <= set(FITS[of_status(shown.status)])


def test_a_row_leaves_out_what_is_empty_and_keeps_what_a_person_needs() -> None:
    late = row(view(state=NodeState.WAITING, run="r", deadline=NOON, reason="no script"), NOON + timedelta(seconds=1))
    assert (late["overdue"], late["why"], late["awaits"]) == (True, "no script", "world")
    assert set(row(view(), NOON)) == {"id", "name", "rack", "state", "sku", "release", "verbs", "u"}
