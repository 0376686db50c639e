"""One simulated node behind the engine's ports: BMC, machine, installed system, inventory. It counts what happens to it.

The machine behaves like a real one: powered on with a one-time network boot it asks for its grant, takes it, writes, and
reports; otherwise it boots its disk. It is the only witness of wipes and of acts under a stale session.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from boot.answers import Denied
from boot.claims import note_refusal
from boot.token import Claim
from workflows.engine.ports import BmcFacts, BootTarget, Bus, Host, PlayResult, Power, Store
from workflows.model.desired import BmcTarget, Desired
from workflows.model.errors import Conflict, Fenced, Refused, Unreachable
from workflows.model.grant import Disk, Grant, GrantState, Machine, Report
from workflows.model.keys import NodeKey
from workflows.model.profile import BmcProtocol
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport, Check, Verdict

DISK = Disk(id="SYS", device="/dev/vda", size=8 << 30, serial="SYS")


@dataclass
class World:
    """The node. Set the switches before a run; read the counts after it."""

    store: Store
    bus: Bus
    wish: Desired
    serial: str = ""
    power: Power = Power.ON
    boot: BootTarget = BootTarget.DISK
    sessions: dict[str, bool] = field(default_factory=dict)
    ignores_power: int = 0
    reports: bool = True
    refused: str = ""
    ignores_network: bool = False
    reachable: bool = True
    inventory_up: bool = True
    verdict: Verdict = Verdict.PASS
    wipes: int = 0
    boots: int = 0
    writes: int = 0
    stale_writes: int = 0
    plays: int = 0
    installed_by: str = ""
    mark: str = ""

    def __post_init__(self) -> None:
        self.serial = self.serial or self.wish.serial or ""

    # --- the BMC --------------------------------------------------------------------------------------------------

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> "WorldBmc":
        """A connection to this node's BMC."""
        return WorldBmc(self)

    async def set_power(self, wanted: Power) -> None:
        """What the power button's wire does."""
        if wanted is self.power:
            return
        if self.ignores_power > 0:
            self.ignores_power -= 1
            return
        self.power = wanted
        if wanted is Power.ON:
            self.boots += 1
            boot, self.boot = self.boot, BootTarget.DISK
            if boot is BootTarget.NETWORK_ONCE and not self.ignores_network:
                await self.network_boot()

    async def network_boot(self) -> None:
        """The machine asks for a grant, and writes only when it has one."""
        for value in await self.store.list(f"grant.{self.wish.node}.*.*"):
            grant = Grant.decode(value.data or b"")
            if grant.state is not GrantState.OPEN or grant.serial != self.serial:
                continue
            if self.refused:
                await self.refuse(grant)
                return
            machine = Machine(serial=self.serial, uuid="", macs=grant.macs, disks=(DISK,), nonce=f"boot{self.boots}")
            taken = grant.to(GrantState.TAKEN, machine=machine, disk=DISK)
            try:
                seq = await self.store.put(value.key, taken.encode(), expect=value.seq)
            except Conflict:
                return
            self.wipes += 1
            self.installed_by, self.mark = f"{grant.cause}.{grant.attempt}", ""
            if self.reports:
                await self.report(taken, value.key, seq)

    async def refuse(self, grant: Grant) -> None:
        """What the boot service notes of a machine that it turns away, ours or a neighbour."""
        denied = Denied(HTTPStatus.CONFLICT, self.refused, f"{self.refused}: nothing was written")
        await note_refusal(self.store, Claim.of(grant), "10.77.0.66", denied)
        await self.bus.wake(grant.node)

    async def report(self, grant: Grant, key: str, seq: int) -> None:
        """The machine's last word."""
        report = Report(ok=True, host_key="ssh-ed25519 AAAA", root_uuid=grant.image.root_uuid, bytes_written=1000)
        await self.store.put(key, grant.to(GrantState.REPORTED, report=report).encode(), expect=seq)
        await self.bus.wake(grant.node)

    # --- the installed system ---------------------------------------------------------------------------------------

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """The roles."""
        self.plays += 1
        return PlayResult(ok=True, tasks=5, changed=5)

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """The probes."""
        return {name: b"{}" for name in probes}

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """SSH."""
        if self.power is not Power.ON or not self.reachable or not self.installed_by:
            raise Unreachable(f"{host.name}: no answer")
        text = " ".join(command)
        if "boot_id" in text:
            return f"boot-{self.boots}\n{self.wish.profile.release.image.root_uuid if self.wish.profile else ''}\n"
        if "printf" in text:
            self.mark = text.split("printf %s ")[1].split(" ")[0]
        if text.startswith("cat"):
            if not self.mark:
                raise Refused("no such file")
            return self.mark
        return ""

    # --- judge and inventory ------------------------------------------------------------------------------------------

    def probes(self, desired: Desired) -> Sequence[str]:
        """One probe is enough here."""
        return ("mounts",)

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """The verdict that the test set."""
        return BurnInReport(level="gate", checks=(Check(id="S1", verdict=self.verdict, message="as set"),))

    async def read(self, node: NodeKey) -> Desired | None:
        """The inventory's record: what the store has as the wish, as if NetBox said the same."""
        if not self.inventory_up:
            raise Unreachable("the inventory doesn't answer")
        value = await self.store.get(f"desired.{node}")
        return Desired.decode(value.data) if value.data is not None else None


class WorldBmc:
    """One connection; its session ends when a newer one ends it."""

    def __init__(self, world: World):
        self._world = world
        self.uri: str | None = None

    async def open(self) -> str | None:
        """A session of our own."""
        self.uri = f"/sessions/{len(self._world.sessions) + 1}"
        self._world.sessions[self.uri] = True
        return self.uri

    async def end_session(self, uri: str) -> None:
        """Ended for good."""
        if uri in self._world.sessions:
            self._world.sessions[uri] = False

    async def facts(self) -> BmcFacts:
        """What the BMC shows."""
        world = self._world
        return BmcFacts(world.serial, None, "lab", "sim", world.power, world.boot)

    async def power(self, wanted: Power) -> None:
        """Power, under a live session only."""
        self._write()
        await self._world.set_power(wanted)

    async def boot(self, target: BootTarget) -> None:
        """The boot override, under a live session only."""
        self._write()
        self._world.boot = target

    async def reset_bmc(self) -> None:
        """A restart of the BMC ends all sessions."""
        self._write()
        self._world.sessions = dict.fromkeys(self._world.sessions, False)

    async def close(self) -> None:
        """End this session."""
        if self.uri is not None:
            await self.end_session(self.uri)

    def _write(self) -> None:
        if self.uri is None or not self._world.sessions[self.uri]:
            self._world.stale_writes += 1
            raise Fenced("the BMC ended our session")
        self._world.writes += 1
