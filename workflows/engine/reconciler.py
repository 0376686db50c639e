"""The reconciler: wakes every node that is due, orphaned, or out of step with what is asked of it.

Theory of operation. Level-triggered: it compares four small records a node (``desired``, ``request``, ``status``,
``lease``), kept up to date by watches, and the grant that a status waits for; so a lost message can delay a node by seconds
but never strand it. It lists nothing and opens no journal. A lease that was not written for a whole TTL counts as gone,
because its expiry may never be reported. Nodes whose lease is alive are skipped: their holder looks by itself. The same node
is not woken twice within ``PATIENCE``, and the moments are jittered, so many workers don't wake the same nodes at once
(doing so would be harmless).
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflows.engine.ask import newest_sequence
from workflows.engine.lease import TTL
from workflows.engine.ports import Bus, Clock, Store, Value
from workflows.model.command import Request
from workflows.model.errors import BadInput
from workflows.model.keys import NodeKey
from workflows.model.record import Record
from workflows.model.status import NodeState, NodeStatus

TICK = timedelta(seconds=1)
PATIENCE = timedelta(seconds=10)
_BUSY = (NodeState.RUNNING, NodeState.WAITING)


class _Wish(Record):
    """The one field of ``desired`` that the reconciler needs."""

    generation: int = 0


@dataclass(slots=True)
class _Node:
    generation: int = 0
    asked: int = 0
    status: NodeStatus | None = None
    leased_until: datetime | None = None
    grant: tuple[str, int] = ("", 0)
    woken_at: datetime | None = None


@dataclass(slots=True)
class Reconciler:
    """One a worker."""

    store: Store
    bus: Bus
    clock: Clock
    jitter: random.Random
    lease_ttl: timedelta = TTL
    nodes: dict[NodeKey, _Node] = field(default_factory=dict)

    async def serve(self) -> None:
        """Follow the records and wake what is due, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._tick())

    async def _follow(self) -> None:
        async for value in self.store.watch("desired.>", "request.>", "status.>", "lease.>", "grant.>"):
            kind, site, name = value.key.split(".")[:3]
            self._note(kind, f"{site}.{name}", value)

    def _note(self, kind: str, node: NodeKey, value: Value) -> None:
        known = self.nodes.setdefault(node, _Node())
        try:
            match kind:
                case "desired":
                    known.generation = _generation(value.data)
                case "request":
                    known.asked = newest_sequence(Request.decode(value.data)) if value.data is not None else 0
                case "status":
                    known.status = NodeStatus.decode(value.data) if value.data is not None else None
                    known.woken_at = None
                case "grant":
                    known.grant = (value.key, value.seq)
                case "lease":
                    known.leased_until = value.time + self.lease_ttl if value.data is not None else None
                    if value.data is None:
                        known.woken_at = None  # whoever was woken before met the lease
        except BadInput:
            return

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK * self.jitter.uniform(0.75, 1.25))
            now = self.clock.now()
            for node, known in list(self.nodes.items()):
                if self._due(known, now):
                    known.woken_at = now
                    await self.bus.wake(node)

    def _due(self, known: _Node, now: datetime) -> bool:
        if known.leased_until is not None and now < known.leased_until:
            return False
        if known.woken_at is not None and now < known.woken_at + PATIENCE:
            return False
        status = known.status
        if status is None:
            return known.generation > 0
        if known.generation > status.generation or known.asked > status.answered:
            return True
        if status.state is NodeState.WAITING and known.grant[0] == status.watch and known.grant[1] > status.watch_seq:
            return True
        if status.due_at is not None and status.state is not NodeState.PARKED:
            return now >= status.due_at and status.outcome == ""
        return status.state in _BUSY


def _generation(data: bytes | None) -> int:
    if data is None:
        return 0
    return int(_Wish.model_validate_json(data, extra="ignore").generation)
