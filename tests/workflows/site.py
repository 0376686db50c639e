"""A site in memory with one simulated node: the real worker over the real engine, in virtual time."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from app.worker import Ports, build_worker
from burn_in.proof import SoftwareProof
from lab.memory.bus import MemoryBus
from lab.memory.clock import VirtualClock
from lab.memory.evidence import MemoryEvidence
from lab.memory.store import MemoryStore
from tests.fakes.boot_side import BootSide
from tests.fakes.effects import (
    Effects,
    FaultyAnsible,
    FaultyBmcs,
    FaultyBus,
    FaultyClock,
    FaultyEvidence,
    FaultyStore,
)
from tests.fakes.world import World
from tests.workflows.samples import desired
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.campaign import Preview
from workflows.engine.commands import Commands
from workflows.engine.look import View, look
from workflows.engine.ports import Message, Scheduler
from workflows.engine.worker import Worker
from workflows.model.command import CommandOutcome
from workflows.model.desired import Desired
from workflows.model.errors import Conflict
from workflows.model.identity import IdentityField
from workflows.model.settings import Mode, SiteSettings

TTL_PASSED = timedelta(seconds=21)


@dataclass
class Site:
    """One node ``lab.nb-1``; ``wish`` is what the inventory says of it."""

    wish: Desired = field(default_factory=desired)
    settings: SiteSettings = field(default_factory=lambda: SiteSettings(site="lab", mode=Mode.AUTOMATIC))
    clock: VirtualClock = field(default_factory=VirtualClock)
    sent: int = 0
    scheduler: Scheduler | None = None

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.bus = MemoryBus("lab", self.clock)
        self.evidence = MemoryEvidence()
        self.boot_side = BootSide(self.store, self.bus)
        self.world = World(self.store, self.bus, self.clock, self.boot_side, self.wish)

    def worker(self, name: str = "w1", effects: Effects | None = None) -> Worker:
        """A worker; its effects can be killed or paused where they are given."""
        world, proof = self.world, SoftwareProof(self.evidence)
        if effects is None:
            ports = Ports(
                self.store, self.bus, self.clock, self.evidence, world, world, world, proof, world, self.scheduler
            )
        else:
            ports = Ports(
                FaultyStore(self.store, effects),
                FaultyBus(self.bus, effects),
                FaultyClock(self.clock, effects),
                FaultyEvidence(self.evidence, effects),
                FaultyBmcs(world, effects),
                FaultyAnsible(world, effects),
                world,
                proof,
                world,
                self.scheduler,
            )
        return build_worker(name, self.settings, ports, random.Random(1))  # noqa: S311

    async def want(self, wish: Desired | None = None) -> None:
        """Store a wish as ``inventory_sync`` does."""
        wish = wish or self.wish
        current = await self.store.get(f"desired.{wish.node}")
        await self.store.put(f"desired.{wish.node}", wish.encode(), expect=current.seq)
        self.world.wish = wish
        self.boot_side.know(wish)

    async def write_back(self) -> None:
        """What ``inventory_sync`` does with what a run wants the inventory to learn of its machine."""
        view = await self.view()
        changes = view.status.identity if view.open_run is not None else ()
        if not changes or view.desired is None:
            return
        wish = view.desired
        for change in changes:
            match change.field:
                case IdentityField.SERIAL:
                    wish = wish.model_copy(update={"serial": change.new})
                case IdentityField.UUID:
                    wish = wish.model_copy(update={"uuid": change.new})
                case IdentityField.MAC:
                    ports = tuple(
                        i.model_copy(update={"mac": change.new}) if i.name == change.interface else i
                        for i in wish.interfaces
                    )
                    wish = wish.model_copy(update={"interfaces": ports})
        if not view.desired.same_wish(wish):
            await self.want(wish.model_copy(update={"generation": wish.generation + 1}))

    async def tend(self, worker: Worker | None = None) -> View:
        """One wake, to its end, in virtual time."""
        await self.clock.run((worker or self.worker()).tend(self.wish.node))
        return await self.view()

    async def view(self) -> View:
        """The node now."""
        return await look(self.store, self.wish.node)

    async def until_settled(self, hours: float = 8) -> View:
        """What a healthy site does: workers look again and again, as the reconciler lets them."""
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            view = await self.tend(self.worker("successor"))
            if view.run is not None and view.open_run is None and view.stored.outcome:
                return view
            await self.clock.advance(timedelta(seconds=30))
        return await self.view()

    async def command(
        self, verb: str, body: bytes = b'{"select": "gpu-001", "reason": "test"}', who: str = "ann"
    ) -> CommandOutcome:
        """Send a command and let the consumer take it."""
        self.sent += 1
        message = Message(f"command.{who}.{verb}.lab", body, 100 + self.sent, self.clock.now())
        return await self.take(message)

    async def take(self, message: Message) -> CommandOutcome:
        """Let the consumer take a message."""
        preview = Preview(self.settings, STEPS, WORKFLOWS)
        commands = Commands(self.store, self.bus, self.clock, self.settings, preview, lambda: [self.world.wish])
        return await commands.take(message)

    async def steal(self) -> None:
        """Take the lease away, as its expiry would."""
        lease = await self.store.get(f"lease.{self.wish.node}")
        try:
            await self.store.delete(lease.key, expect=lease.seq)
        except Conflict:
            return
