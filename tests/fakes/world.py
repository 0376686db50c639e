"""One simulated node behind the engine's ports: BMC, machine, installed system, inventory. It counts what happens to it.

The machine behaves like a real one: powered on with a one-time network boot it asks the boot service for a script, takes
its grant, writes, and reports; otherwise it boots its disk. The boot service is the real one but for HTTP. Firmware and
writing take no time unless ``post`` and ``writing`` say so; then pulling the plug ends them at any point.

It is the only witness of wipes and of acts under a stale session: no journal of ours is asked for them.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from boot.answers import Denied
from boot.claims import note_refusal
from boot.identity import Identifiers
from boot.token import Claim
from lab.memory.store import MemoryStore
from tests.fakes.board import Board
from tests.fakes.boot_side import BootSide
from workflows.engine.ports import (
    BiosFacts,
    BmcFacts,
    BootTarget,
    Bus,
    Clock,
    FirmwareImage,
    Host,
    PlayResult,
    Power,
    TaskFacts,
)
from workflows.model.desired import BmcTarget, Desired
from workflows.model.errors import Fenced, Refused, Transient, Unreachable
from workflows.model.grant import Disk, Grant, Machine, NextBoot, Report
from workflows.model.hardware import Firmware, HardwareReport, LogLine
from workflows.model.keys import NodeKey
from workflows.model.profile import BmcProtocol, BootWay, Setting
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport, Check, Verdict

DISK = Disk(id="SYS", device="/dev/vda", size=8 << 30, serial="SYS")
DATA = Disk(id="DATA", device="/dev/vdb", size=64 << 30, serial="DATA")
_INSTANT = timedelta(0)
_ASK_AGAIN = timedelta(seconds=3)
#: As often as ``templates/ipxe/boot.ipxe.j2`` asks for a script.
_TIMES = 20


@dataclass(frozen=True, slots=True)
class Wipe:
    """One write of an image onto a disk. ``asked`` is the store's newest sequence when the machine asked for its grant."""

    grant: Claim
    serial: str
    disk: str
    asked: int


@dataclass(frozen=True, slots=True)
class Write:
    """One write to the BMC that it accepted, under which session, and the store's newest sequence at that moment."""

    what: str
    session: str
    seq: int


@dataclass(frozen=True, slots=True)
class Look:
    """What the inventory said when a worker asked it, and the store's newest sequence at that moment."""

    said: Desired | None
    seq: int


@dataclass(frozen=True, slots=True)
class Installed:
    """What stands on the system disk: written for which grant, with which root file system and host key."""

    grant: str
    root_uuid: str
    host_key: str


@dataclass
class World:
    """The node. Set the switches before a run; read the counts after it.

    ``record`` is what the inventory says now; None: whatever was synced last.
    """

    store: MemoryStore
    bus: Bus
    clock: Clock
    boot_side: BootSide
    wish: Desired
    serial: str = ""
    macs: tuple[str, ...] = ()
    disks: tuple[Disk, ...] = (DISK, DATA)
    power: Power = Power.ON
    boot: BootTarget = BootTarget.DISK
    post: timedelta = _INSTANT
    writing: timedelta = _INSTANT
    sessions: dict[str, bool] = field(default_factory=dict)
    ignores_power: int = 0
    ignores_boot: int = 0
    hung: bool = False
    resets: int = 0
    silent_until: datetime | None = None
    reports: bool = True
    fails: str = ""
    next: NextBoot = NextBoot.KEXEC
    refused: str = ""
    ignores_network: bool = False
    ways: tuple[BootWay, ...] = (BootWay.HTTP, BootWay.PXE, BootWay.MEDIA)
    deaf_to: tuple[BootWay, ...] = ()
    sent_by: list[BootWay] = field(default_factory=list)
    way: BootWay | None = None
    keeps: BootWay | None = None
    media: str = ""
    progress: str = ""
    log: list[LogLine] = field(default_factory=list)
    reachable: bool = True
    bmc_up: bool = True
    inventory_up: bool = True
    accepted_run: str = ""
    record: Desired | None = None
    verdict: Verdict = Verdict.PASS
    hardware: HardwareReport = field(default_factory=lambda: HardwareReport(protocol="lab", address="lab"))
    surveys: int = 0
    board: Board = field(default_factory=Board)
    wiped: list[Wipe] = field(default_factory=list)
    accepted: list[Write] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    boots: int = 0
    stale_writes: int = 0
    plays: int = 0
    bundles: dict[str, bytes] = field(default_factory=dict)
    probed: list[str] = field(default_factory=list)
    installed: Installed | None = None
    old_copy: str = ""
    mark: str = ""
    up: bool = False
    _life: "asyncio.Task[None] | None" = None
    _taken: tuple[Claim, Grant] | None = None

    def __post_init__(self) -> None:
        self.serial = self.serial or self.wish.serial or ""
        self.macs = self.macs or self.wish.boot_macs()

    @property
    def wipes(self) -> int:
        """How often a disk of this machine was written."""
        return len(self.wiped)

    @property
    def writes(self) -> int:
        """How many writes its BMC accepted."""
        return len(self.accepted)

    @property
    def silent(self) -> bool:
        """Whether it wrote its disk and hasn't said so."""
        return self._taken is not None and self.installed is not None and self.power is Power.ON

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
        if wanted is Power.OFF:
            self.pull_the_plug()
            return
        self.power = wanted
        self.boots += 1
        self.board.booted()
        boot, self.boot = self.boot, BootTarget.DISK
        came_by, self.way = self.way, None
        network = boot is BootTarget.NETWORK_ONCE and not self.ignores_network and came_by not in self.deaf_to
        self.sent_by += [came_by] if came_by is not None else []
        if self.post or self.writing:
            self._life = asyncio.create_task(self._run(network))
        else:
            await self._run(network)

    def pull_the_plug(self) -> None:
        """Off, whatever it was doing."""
        self.power, self.up, self._taken = Power.OFF, False, None
        if self._life is not None:
            self._life.cancel()
            self._life = None

    async def _run(self, network: bool) -> None:
        await self._pass(self.post)
        if network:
            await self.network_boot()
        if self._taken is None:
            self.up = self.installed is not None

    async def network_boot(self) -> None:
        """The machine asks for its script and its grant, and writes only when it has one."""
        who = Identifiers.parse(next(iter(self.macs), ""), self.serial, "")
        for _ in range(_TIMES):
            try:
                claim = await self.boot_side.script(who)
                break
            except Transient:
                await self.clock.sleep(_ASK_AGAIN)
        else:
            return
        if claim is None:
            return
        nonce = f"{self.serial}-boot{self.boots}"
        machine = Machine(
            serial=self.serial, uuid="", macs=self.macs, disks=self.disks, nonce=nonce, address="10.77.0.1"
        )
        if self.refused:
            await self.refuse(claim)
            return
        while True:
            asked = self.store.sequence
            try:
                grant = await self.boot_side.hello(claim, machine)
                break
            except Denied as error:
                await note_refusal(self.store, claim, machine.address, error)
                return
            except Transient:
                await self.clock.sleep(_ASK_AGAIN)
        assert grant.disk is not None
        name = f"{grant.cause}.{grant.attempt}"
        self.wiped.append(Wipe(claim, self.serial, grant.disk.id, asked))
        self.installed, self.mark = None, ""
        self._taken = claim, grant
        await self._pass(self.writing)
        self.installed = Installed(name, f"{grant.image.root_uuid}-{name}", f"ssh-ed25519 {self.serial}-{name}")
        if self.reports:
            await self.report()

    def took(self, claim: Claim, grant: Grant) -> None:
        """As after it took this grant and wrote its disk, and before its last word."""
        self._taken = claim, grant

    async def refuse(self, claim: Claim) -> None:
        """What the boot service notes of a machine that it turns away, ours or a neighbour."""
        denied = Denied(HTTPStatus.CONFLICT, self.refused, f"{self.refused}: nothing was written")
        await note_refusal(self.store, claim, "10.77.0.66", denied)
        await self.bus.wake(claim.node)

    async def report(self) -> None:
        """The last word of a machine that wrote its disk; then it boots it."""
        assert self._taken is not None
        assert self.installed is not None
        claim, grant = self._taken
        assert grant.machine is not None
        last = Report(
            ok=True,
            host_key=self.installed.host_key,
            root_uuid=self.installed.root_uuid,
            bytes_written=1000,
            next=self.next,
        )
        if self.fails:
            last = Report(ok=False, message=self.fails)
        while True:
            try:
                await self.boot_side.report(claim, grant.machine.nonce, last)
                break
            except Transient:
                await self.clock.sleep(_ASK_AGAIN)
        self._taken = None
        if last.next is NextBoot.FIRMWARE:
            self.boots += 1
            await self._pass(self.post)
        self.up = True

    async def _pass(self, time: timedelta) -> None:
        if time:
            await self.clock.sleep(time)

    # --- the installed system ---------------------------------------------------------------------------------------

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """The roles."""
        self._answers(host)
        self.plays += 1
        return PlayResult(ok=True, tasks=5, changed=5)

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """The probes."""
        self._answers(host)
        self.probed.append(step)
        return {name: self.bundles.get(name, b"{}") for name in probes}

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """SSH, host-key checking on."""
        installed = self._answers(host)
        text = " ".join(command)
        if "boot_id" in text:
            grant = self.old_copy or f"{self.wish.node}.{installed.grant}"
            return f"boot-{self.boots}\n{installed.root_uuid}\n{grant}\n"
        if "printf" in text:
            self.mark = text.split("printf %s ")[1].split(" ")[0]
        if text.startswith("cat"):
            if not self.mark:
                raise Refused("no such file")
            return self.mark
        return ""

    def _answers(self, host: Host) -> Installed:
        if self.power is not Power.ON or not self.reachable or not self.up or self.installed is None:
            raise Unreachable(f"{host.name}: no answer")
        if host.host_key != self.installed.host_key:
            raise Unreachable(f"{host.name}: another host key than the grant's")
        return self.installed

    # --- judge and inventory ------------------------------------------------------------------------------------------

    def probes(self, desired: Desired) -> Sequence[str]:
        """One probe is enough here."""
        return ("mounts",)

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """The verdict that the test set."""
        return BurnInReport(level="gate", checks=(Check(id="S1", verdict=self.verdict, message="as set"),))

    async def read(self, node: NodeKey) -> Desired | None:
        """The inventory's record."""
        if not self.inventory_up:
            raise Unreachable("the inventory doesn't answer")
        value = await self.store.get(f"desired.{node}")
        said = self.record or (Desired.decode(value.data) if value.data is not None else None)
        self.looks.append(Look(said, self.store.sequence))
        return said

    async def accepted_by(self, node: NodeKey) -> str:
        """What write-back once told it."""
        if not self.inventory_up:
            raise Unreachable("the inventory doesn't answer")
        return self.accepted_run


class WorldBmc:
    """One connection; its session ends when a newer one ends it."""

    def __init__(self, world: World):
        self._world = world
        self.uri: str | None = None

    async def open(self) -> str | None:
        """A session of our own."""
        self._reach()
        self.uri = f"/sessions/{len(self._world.sessions) + 1}"
        self._world.sessions[self.uri] = True
        return self.uri

    async def end_session(self, uri: str) -> None:
        """Ended for good."""
        self._reach()
        if uri in self._world.sessions:
            self._world.sessions[uri] = False

    async def facts(self) -> BmcFacts:
        """What the BMC shows."""
        self._reach()
        world = self._world
        return BmcFacts(
            world.serial,
            None,
            "lab",
            "sim",
            world.power,
            world.boot,
            way=world.way,
            ways=world.ways,
            progress=world.progress,
        )

    async def survey(self) -> HardwareReport:
        """What the machine is made of."""
        self._reach()
        self._world.surveys += 1
        world = self._world
        shown = {"power": world.power.value, "serial": world.serial, "boot_macs": world.macs}
        board = {"firmware": world.board.shown(world.clock.now()), "settings": dict(world.board.attributes)}
        return world.hardware.model_copy(update=shown | board)

    async def bios(self) -> BiosFacts:
        """Attributes that hold, and those that wait."""
        self._reach()
        return BiosFacts(dict(self._world.board.attributes), dict(self._world.board.pending))

    async def firmware(self) -> tuple[Firmware, ...]:
        """Versions."""
        self._reach()
        return self._world.board.shown(self._world.clock.now())

    async def tasks(self) -> tuple[TaskFacts, ...]:
        """Updates so far."""
        self._reach()
        return self._world.board.tasks(self._world.clock.now())

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        """For the next boot, under a live session only."""
        self._write("set bios")
        self._world.board.pending |= attributes

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        """An update begins, under a live session only."""
        self._write("flash")
        self._world.board.flash(paths, image.url, self._world.clock.now())

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        """Its log."""
        self._reach()
        return tuple(self._world.log[-limit:])

    async def power(self, wanted: Power) -> None:
        """Power, under a live session only."""
        self._write(f"power {wanted}")
        if self._world.hung:
            return
        await self._world.set_power(wanted)

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        """The boot override, under a live session only."""
        self._write(f"boot {target}")
        if self._world.hung:
            return
        if self._world.ignores_boot > 0:
            self._world.ignores_boot -= 1
            return
        self._world.boot = target
        self._world.way = self._world.keeps or way or self._world.ways[0] if target is BootTarget.NETWORK_ONCE else None
        if way is BootWay.MEDIA:
            self._world.media = media
        elif media == self._world.media:
            self._world.media = ""

    async def reset_bmc(self) -> None:
        """A restart of the BMC ends all sessions and its hang, and leaves it silent for four minutes."""
        self._write("reset")
        world = self._world
        world.sessions = dict.fromkeys(world.sessions, False)
        world.hung, world.resets = False, world.resets + 1
        world.silent_until = world.clock.now() + timedelta(minutes=4)

    async def close(self) -> None:
        """End this session."""
        if self.uri is not None:
            with contextlib.suppress(Unreachable):
                await self.end_session(self.uri)

    def _reach(self) -> None:
        silent = self._world.silent_until
        if not self._world.bmc_up or (silent is not None and self._world.clock.now() < silent):
            raise Unreachable("the BMC doesn't answer")

    def _write(self, what: str) -> None:
        self._reach()
        world = self._world
        if self.uri is None or not world.sessions[self.uri]:
            world.stale_writes += 1
            raise Fenced("the BMC ended our session")
        world.accepted.append(Write(what, self.uri, world.store.sequence))
