"""The step contract: what the engine asks of a step, and what a step may ask of the world.

Theory of operation. The engine drives a step through ``intent → verify → (NotYet) apply → poll verify → done``::

    baseline   read only; what it returns is journaled in ``intent`` before anything is touched
    apply      may run twice (a crash may hide that it ran), so it uses absolute verbs only
    verify     evidence from the world, never from our memory; runs first after every crash

A step never retries, sleeps long or swallows an error: it raises what happened (``workflows.model.errors``) and the engine
decides. A wait of more than a minute is a ``NotYet`` with a later ``check_in``: the worker and the lease are released.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from workflows.engine.grants import Grants
from workflows.engine.ports import Ansible, Clock, Evidence, Host, Inventory, Judge, OpenedBmc, Scheduler, Store
from workflows.model.desired import Desired
from workflows.model.errors import IdentityMismatch, Refused
from workflows.model.journal import Fold
from workflows.model.record import Json
from workflows.model.run import Run
from workflows.model.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class Done:
    """The world shows the wish. ``result`` is kept for later steps (small; large things go to evidence)."""

    result: Json = None


@dataclass(frozen=True, slots=True)
class NotYet:
    """The world doesn't show it yet. ``watch`` is a store key whose change is worth an earlier look.

    ``act_again``: what was asked for was refused for now (a full cap), so each look acts once more.
    """

    reason: str
    check_in: timedelta = timedelta(seconds=2)
    next_action: str = "bringup looks again by itself"
    watch: str | None = None
    act_again: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """The world shows that it will not come true: the run fails with this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asks:
    """The world shows something that only a person can allow. ``digest`` is of what was found: see ``Context.approves``."""

    reason: str
    digest: str


type Verified = Done | NotYet | Broken | Asks


class Rung(StrEnum):
    """What a step is tried again with (``workflows/engine/ladder.py``). POWER: the step itself is off and on."""

    AGAIN = "ask again"
    POWER = "switch the machine off and on"
    RESET = "restart the BMC"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, and the pause between (jittered by ±25 %). Exhausted, the run parks for a person.

    ``rungs`` are climbed before the second try, the third, and so on; beyond them it is just asked again.
    """

    attempts: int = 3
    pause: timedelta = timedelta(seconds=10)
    rungs: tuple[Rung, ...] = ()

    @classmethod
    def climbing(cls, *rungs: Rung) -> "Retry":
        """A first try, and one more for each rung."""
        return cls(attempts=1 + len(rungs), rungs=rungs)

    def rung(self, attempt: int) -> Rung:
        """What is done before this try (the first is 1)."""
        return self.rungs[attempt - 2] if 2 <= attempt < len(self.rungs) + 2 else Rung.AGAIN


@dataclass(slots=True)
class Context:
    """What a step sees: the frozen wish, where the run stands, and the ports."""

    run: Run
    state: Fold
    settings: SiteSettings
    started: datetime
    clock: Clock
    store: Store
    bmc: OpenedBmc
    grants: Grants
    ansible: Ansible
    judge: Judge
    proof: Judge
    inventory: Inventory
    evidence: Evidence
    scheduler: Scheduler | None = None
    log: Callable[[str], None] = field(default=lambda _line: None)

    @property
    def desired(self) -> Desired:
        """The wish that this run was made for."""
        return self.run.desired

    def approves(self, digest: str) -> bool:
        """Whether a person approved exactly what has this digest, and not too long ago."""
        return self.state.approves(digest, self.clock.now(), self.settings.approval_life)

    def result(self, step: str) -> dict[str, Json]:
        """What an earlier step of this run left.

        Raises:
            Refused: that step left nothing, so the workflow's order is wrong.
        """
        found = self.state.result(step)
        if not isinstance(found, dict):
            raise Refused(f"{self.run.id}: step {step} left no result for a later step")
        return found

    def host(self) -> Host:
        """The installed node, by its primary address and the host key that its grant recorded."""
        address = next((a.cidr for i in self.desired.interfaces for a in i.addresses if a.primary), None)
        if address is None:
            raise Refused(f"{self.run.id}: the inventory names no primary address; set one and retry")
        return Host(
            node=self.run.node,
            name=self.desired.label,
            address=address.partition("/")[0],
            host_key=str(self.result("deploy")["host_key"]),
        )


class Step(Protocol):
    """One verb. ``version`` rises with every change of its meaning: a live run keeps the version it was made with."""

    name: str
    version: int
    timeout: timedelta
    retry: Retry
    destructive: bool
    needs_approval: bool

    async def baseline(self, ctx: Context) -> Json:
        """Read the world before acting."""

    async def apply(self, ctx: Context, base: Json) -> None:
        """Act, with absolute verbs; may run twice."""

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Read the world after acting."""


type Steps = Mapping[str, Step]


def check_identity(desired: Desired, serial: str | None, uuid: str | None) -> None:
    """The interlock: the machine behind the BMC is the one that the inventory names.

    Raises:
        IdentityMismatch: serial or UUID differ, or the BMC shows no serial.
    """
    if serial is None or desired.serial is None or serial.strip().lower() != desired.serial.strip().lower():
        raise IdentityMismatch(
            f"{desired.label}: the BMC shows serial {serial}, the inventory says {desired.serial}; nothing was touched. "
            f"Check the BMC address and the cabling, or correct the serial, then retry; if the board was replaced, cancel "
            f"and ask for rma"
        )
    if desired.uuid and uuid and uuid.lower() != desired.uuid.lower():
        raise IdentityMismatch(
            f"{desired.label}: the BMC shows UUID {uuid}, the inventory says {desired.uuid}; nothing was touched. "
            f"Check for a swapped board, then retry; if it was replaced, cancel and ask for rma"
        )
