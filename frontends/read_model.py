"""The read model of all frontends: each node's wish and status, side by side. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from workflows.engine.ports import Store
from workflows.engine.selector import select
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.keys import Site
from workflows.model.status import NodeState, NodeStatus


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as people see it."""

    desired: Desired
    status: NodeStatus

    def as_json(self, now: datetime) -> dict[str, object]:
        """The row of ``--json``: stable names, seconds as numbers, times in ISO 8601 UTC."""
        status = self.status
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
            "reason": status.reason or None,
            "next_action": status.next_action or None,
            "deadline": status.deadline.isoformat() if status.deadline else None,
            "overdue": overdue(status, now),
            "outcome": status.outcome or None,
            "accepted_run": status.accepted_run or None,
            "accepted_at": status.accepted_at.isoformat() if status.accepted_at else None,
            "report": status.report or None,
            "digest": status.digest or None,
            "generation": self.desired.generation,
            "serial": self.desired.serial,
            "problems": list(self.desired.problems),
            "timings": [t.model_dump() for t in status.timings],
        }


def overdue(status: NodeStatus, now: datetime) -> bool:
    """Whether a wait has passed its deadline (computed, never stored)."""
    busy = status.state in (NodeState.RUNNING, NodeState.WAITING)
    return busy and status.deadline is not None and now > status.deadline


async def one_node(store: Store, site: Site, name: str) -> NodeView:
    """The one node that is meant.

    Raises:
        BadInput: nobody is called so, or it names several.
    """
    views = await fleet(store, site, name)
    if len(views) > 1:
        raise BadInput(f"{name!r} names {len(views)} nodes: name one")
    return views[0]


async def wishes(store: Store, site: Site) -> list[Desired]:
    """All desired states of a site."""
    return [Desired.decode(v.data) for v in await store.list(f"desired.{site}.*") if v.data is not None]


async def fleet(store: Store, site: Site, selector: str | None = None) -> list[NodeView]:
    """The nodes that a selector names, or all.

    Raises:
        BadInput: the selector names none, or is no selector.
    """
    desired: Iterable[Desired] = await wishes(store, site)
    chosen = select(selector, desired) if selector else sorted(desired, key=lambda d: d.label)
    known = {
        s.node: s
        for s in (NodeStatus.decode(v.data) for v in await store.list(f"status.{site}.*") if v.data is not None)
    }
    return [NodeView(d, known.get(d.node, NodeStatus(node=d.node, label=d.label))) for d in chosen]
