"""Run: one drive of one node by one frozen list of steps. Immutable; what happens to it stands in its journal."""

import hashlib

from workflows.model.desired import Desired
from workflows.model.keys import Cause, NodeKey
from workflows.model.record import Record


class StepRef(Record):
    """A step by name and version. A worker that doesn't have exactly this version parks the run (law 7)."""

    name: str
    version: int


class Run(Record):
    """Created once under ``run.<node>.<cause>``; holds everything that its steps need to know of the wish.

    ``approval`` says that a person must approve before the first disruptive step. ``after`` is the newest run that
    existed when this one was asked for.
    """

    node: NodeKey
    cause: Cause
    workflow: str
    steps: tuple[StepRef, ...]
    desired: Desired
    asked_by: str = "inventory"
    reason: str = ""
    approval: bool = False
    after: Cause | None = None

    @property
    def id(self) -> str:
        """Node and cause, as in subjects and on pages."""
        return f"{self.node}.{self.cause}"

    def digest(self) -> str:
        """What an approver saw, as SHA-256: run, steps, serial, UUID, image, disk hint. Anything changed voids it."""
        profile = self.desired.profile
        seen = "|".join(
            (
                self.id,
                ",".join(f"{s.name}:{s.version}" for s in self.steps),
                self.desired.serial or "",
                self.desired.uuid or "",
                profile.release.image.sha256 if profile else "",
                profile.sku.system_disk.model_dump_json() if profile else "",
            )
        )
        return hashlib.sha256(seen.encode()).hexdigest()
