"""Run: one drive of one node by one frozen list of steps. Immutable; what happens to it stands in its journal."""

import hashlib
import json

from workflows.model.desired import Desired
from workflows.model.keys import Cause, NodeKey
from workflows.model.profile import Sku
from workflows.model.record import Json, Record


class StepRef(Record):
    """A step by name and version. A worker that doesn't have exactly this version parks the run (law 7)."""

    name: str
    version: int


class Run(Record):
    """Created once under ``run.<node>.<cause>``; holds everything that its steps need to know of the wish.

    ``approval`` says that a person must approve before the first disruptive step; that of its ``campaign`` is enough.
    ``caution`` is what the approver must know besides. ``force``: running jobs are not waited for. ``in_service``: the node
    was in service before. ``after`` is the newest run that existed when this one was asked for, ``epoch`` the store's.
    """

    node: NodeKey
    cause: Cause
    workflow: str
    steps: tuple[StepRef, ...]
    desired: Desired
    asked_by: str = "inventory"
    reason: str = ""
    approval: bool = False
    campaign: str | None = None
    in_service: bool = False
    caution: str = ""
    force: bool = False
    after: Cause | None = None
    epoch: str = ""

    @property
    def id(self) -> str:
        """Node and cause, as in subjects and on pages."""
        return f"{self.node}.{self.cause}"

    def has(self, step: str) -> bool:
        """Whether its list has this step."""
        return any(s.name == step for s in self.steps)

    def digest(self) -> str:
        """What an approver of this one run saw, as SHA-256: the run's id and ``content``. Anything changed voids it."""
        return run_digest(self.id, self.content())

    def content(self) -> str:
        """What the run does to which machine, as SHA-256, whatever its cause: what the approver of a campaign saw.

        Node, workflow, force, caution, steps with versions, serial, UUID, BMC, boot MACs, release with its image, disk hint,
        the baseline of BIOS and firmware.
        """
        wish, profile = self.desired, self.desired.profile
        return _sha256(
            [
                self.node,
                self.workflow,
                self.force,
                self.caution,
                [[s.name, s.version] for s in self.steps],
                wish.serial,
                wish.uuid,
                wish.bmc.model_dump(mode="json") if wish.bmc else None,
                list(wish.boot_macs()),
                profile.release.model_dump(mode="json") if profile else None,
                profile.sku.system_disk.model_dump(mode="json") if profile else None,
                *(_baseline(profile.sku) if profile else ()),
            ]
        )


def _baseline(sku: Sku) -> list[Json]:
    """What a run may change in BIOS and firmware; nothing where the sku names no baseline."""
    if not sku.has_baseline:
        return []
    return [dict(sku.bios), [rule.model_dump(mode="json") for rule in sku.firmware]]


def run_digest(run: str, content: str) -> str:
    """The digest of a run by its id and its content."""
    return _sha256([run, content])


def _sha256(seen: Json) -> str:
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
