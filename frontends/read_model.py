"""The read model of all frontends: each node's wish and status, side by side. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from frontends.expected import History, Progress
from workflows.engine.ports import Store
from workflows.engine.selector import select
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.keys import Site
from workflows.model.status import NodeState, NodeStatus
from workflows.model.stranger import Stranger, Strangers, strangers_key

_A_DAY = timedelta(days=1)
_RESTING = (NodeState.IDLE, NodeState.WOULD, NodeState.IN_SERVICE, NodeState.FAILED)


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as people see it. ``history`` is what the whole site's finished runs took."""

    desired: Desired
    status: NodeStatus
    history: History

    def progress(self, now: datetime) -> Progress:
        """Where its open run stands in time."""
        return self.history.progress(self.desired, self.status, now)

    @property
    def blocked(self) -> bool:
        """Whether nothing is done because the inventory's record is wrong."""
        return bool(self.desired.problems) and self.status.state in _RESTING

    @property
    def why(self) -> str:
        """Why it stands as it does, in one line."""
        first, more = self.desired.problems[:1], len(self.desired.problems) - 1
        return (
            f"{first[0]}{f' (and {more} more)' if more else ''}"
            if self.blocked
            else self.status.campaign or self.status.reason
        )

    @property
    def next_action(self) -> str:
        """What comes next, and from whom."""
        return "correct its record in the inventory" if self.blocked else self.status.next_action

    def as_json(self, now: datetime) -> dict[str, object]:
        """The row of ``--json``: stable names, seconds as numbers, times in ISO 8601 UTC."""
        status, progress = self.status, self.progress(now)
        least, most = progress.between or (None, None)
        return {
            "node": self.desired.node,
            "name": self.desired.name,
            "rack": self.desired.rack,
            "state": status.state.value,
            "workflow": status.workflow or None,
            "run": status.run or None,
            "step": status.step or None,
            "step_index": status.step_index,
            "step_count": status.step_count,
            "attempt": status.attempt,
            "elapsed_seconds": _seconds(progress.elapsed),
            "expected_seconds": _seconds(progress.expected.step) if progress.expected else None,
            "remaining_seconds": _seconds(progress.left),
            "remaining_least_seconds": _seconds(least),
            "remaining_most_seconds": _seconds(most),
            "estimated_from_runs": progress.expected.runs if progress.expected else 0,
            "reason": status.reason or None,
            "campaign": status.campaign or None,
            "next_action": self.next_action or None,
            "deadline": status.deadline.isoformat() if status.deadline else None,
            "overdue": overdue(status, now),
            "outcome": status.outcome or None,
            "accepted_run": status.accepted_run or None,
            "accepted_at": status.accepted_at.isoformat() if status.accepted_at else None,
            "report": status.report or None,
            "inventory": status.inventory or None,
            "digest": status.digest or None,
            "generation": self.desired.generation,
            "serial": self.desired.serial,
            "problems": list(self.desired.problems),
            "timings": [t.model_dump() for t in status.timings],
        }


def _seconds(duration: timedelta | None) -> float | None:
    return round(duration.total_seconds(), 1) if duration is not None else None


def overdue(status: NodeStatus, now: datetime) -> bool:
    """Whether a wait has passed its deadline (computed, never stored)."""
    busy = status.state in (NodeState.RUNNING, NodeState.WAITING)
    return busy and status.deadline is not None and now > status.deadline


class Awaits(StrEnum):
    """What a node that doesn't go on waits for: the bounded form of its reason."""

    APPROVAL = "approval"
    DECISION = "decision"
    UNHOLD = "unhold"
    RECORD = "record"
    PLACE = "place"
    WORLD = "world"


def awaits(view: NodeView) -> Awaits | None:
    """What the node waits for; None where it waits for nothing."""
    status = view.status
    if view.blocked:
        return Awaits.RECORD
    match status.state:
        case NodeState.PARKED:
            return Awaits.APPROVAL if status.digest else Awaits.DECISION
        case NodeState.HELD:
            return Awaits.UNHOLD
        case NodeState.WAITING:
            return Awaits.PLACE if status.digest else Awaits.WORLD
    return None


async def one_node(store: Store, site: Site, name: str) -> NodeView:
    """The one node that is meant.

    Raises:
        BadInput: nobody is called so, or it names several.
    """
    views = await fleet(store, site, name)
    if len(views) > 1:
        raise BadInput(f"{name!r} names {len(views)} nodes: name one")
    return views[0]


async def strangers(store: Store, site: Site, now: datetime) -> tuple[Stranger, ...]:
    """Machines that asked to boot in the last day and that no node fits, the newest first."""
    value = await store.get(strangers_key(site))
    seen = Strangers.decode(value.data).seen if value.data is not None else ()
    return tuple(s for s in seen if now - s.last < _A_DAY)


async def wishes(store: Store, site: Site) -> list[Desired]:
    """All desired states of a site."""
    return [Desired.decode(v.data) for v in await store.list(f"desired.{site}.*") if v.data is not None]


async def fleet(store: Store, site: Site, selector: str | None = None) -> list[NodeView]:
    """The nodes that a selector names, or all.

    Raises:
        BadInput: the selector names none, or is no selector.
    """
    desired = await wishes(store, site)
    chosen = select(selector, desired) if selector else sorted(desired, key=lambda d: d.label)
    known = {
        s.node: s
        for s in (NodeStatus.decode(v.data) for v in await store.list(f"status.{site}.*") if v.data is not None)
    }
    history = History((d, known[d.node]) for d in desired if d.node in known)
    return [NodeView(d, known.get(d.node, NodeStatus(node=d.node, label=d.label)), history) for d in chosen]
