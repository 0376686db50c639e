"""A scheduler in memory: nodes that are open or drained, and the jobs on them. It never ends a job by itself.

``down`` makes every call raise Unreachable.
"""

from dataclasses import dataclass, field

from workflows.engine.ports import Duty
from workflows.model.desired import Desired
from workflows.model.errors import Unreachable
from workflows.model.keys import NodeKey


@dataclass
class MemoryScheduler:
    """Implements ``ports.Scheduler`` over the nodes that ``know`` was called for."""

    down: bool = False
    nodes: dict[NodeKey, Duty] = field(default_factory=dict)
    asked: int = 0

    def know(self, node: NodeKey, *jobs: str, reason: str = "") -> None:
        """The node as it stands from now on: open, or closed with a reason, with these jobs."""
        self.nodes[node] = Duty(jobs=jobs, open=not reason, reason=reason)

    async def duty(self, node: Desired) -> Duty | None:
        """How it stands."""
        self._answer()
        return self.nodes.get(node.node)

    async def drain(self, node: Desired, reason: str) -> None:
        """Close it, if it is open."""
        self._answer()
        known = self.nodes.get(node.node)
        if known is not None and known.open:
            self.know(node.node, *known.jobs, reason=reason)

    async def resume(self, node: Desired, reason: str) -> None:
        """Open it, if it is closed with this reason."""
        self._answer()
        known = self.nodes.get(node.node)
        if known is not None and known.reason == reason:
            self.know(node.node, *known.jobs)

    def _answer(self) -> None:
        self.asked += 1
        if self.down:
            raise Unreachable("the scheduler in memory is down")
