"""What is stuck: nodes that wait, for the world or for a person, past the deadline that the wait itself was given.

A node whose run nobody tends (no worker lives, or none comes to it) says so instead of what its last worker left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from frontends.read_model import NodeView
from workflows.model.status import NodeState, NodeStatus

#: A worker that lives wakes what is due within seconds (``workflows/engine/reconciler.py``).
UNTENDED = timedelta(minutes=10)
_WORLD = (NodeState.RUNNING, NodeState.WAITING)
_PERSON = (NodeState.PARKED, NodeState.HELD)


@dataclass(frozen=True, slots=True)
class Stuck:
    """One node: why it waits, since when (server time), until when it should have ended, and what to do."""

    view: NodeView
    deadline: datetime
    next_action: str

    def as_json(self, now: datetime) -> dict[str, object]:
        """The row of ``--json``."""
        status = self.view.status
        return {
            "node": self.view.desired.node,
            "name": self.view.desired.name,
            "state": status.state.value,
            "workflow": status.workflow,
            "run": status.run,
            "step": status.step,
            "reason": status.reason,
            "since": status.since.isoformat() if status.since else None,
            "deadline": self.deadline.isoformat(),
            "overdue_seconds": round((now - self.deadline).total_seconds(), 1),
            "next_action": self.next_action,
        }


def stuck(views: Iterable[NodeView], now: datetime, answer_life: timedelta) -> list[Stuck]:
    """Those past their deadline, the longest overdue first. ``answer_life``: of what waits for a person without its own."""
    found = []
    for view in views:
        due, untended = _deadline(view.status, answer_life), _untended(view.status)
        if untended is not None and now > untended:
            minutes = int((now - untended + UNTENDED).total_seconds()) // 60
            action = f"no worker has come to it for {minutes} minutes: is one running at this site?"
            found.append(Stuck(view, min(untended, due or untended), action))
        elif due is not None and now > due:
            found.append(Stuck(view, due, view.next_action))
    return sorted(found, key=lambda each: each.deadline)


def _deadline(status: NodeStatus, answer_life: timedelta) -> datetime | None:
    if status.state in _PERSON and status.deadline is None and status.since is not None:
        return status.since + answer_life
    return status.deadline if status.state in (*_WORLD, *_PERSON) else None


def _untended(status: NodeStatus) -> datetime | None:
    """When a worker should have looked at the latest; None where it is a person's turn."""
    if status.state not in _WORLD:
        return None
    expected = status.due_at or status.deadline or status.since
    return expected + UNTENDED if expected is not None else None
