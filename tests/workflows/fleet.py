"""A site in memory with many simulated nodes, its services running as on a real one, in virtual time."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from app.worker import Ports, build_worker
from burn_in.proof import SoftwareProof
from lab.memory.bus import MemoryBus
from lab.memory.clock import START, VirtualClock
from lab.memory.evidence import MemoryEvidence
from lab.memory.store import MemoryStore
from tests.fakes.boot_side import BootSide
from tests.fakes.effects import Effects, FaultyBus, FaultyClock, FaultyStore, Killed
from tests.fakes.fleet import FleetWorld
from tests.fakes.world import World
from tests.workflows.samples import desired
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.campaign import Preview
from workflows.engine.campaign_driver import CampaignDriver
from workflows.engine.commands import Commands
from workflows.engine.ports import Bus, Clock, Message, Store
from workflows.engine.reconciler import Reconciler
from workflows.model.campaign import Campaign, MemberState, campaign_key
from workflows.model.command import CommandOutcome
from workflows.model.desired import Desired
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeStatus

SERVING = SiteSettings(
    site="lab", mode=Mode.AUTOMATIC, runs_at_once=400, rack_at_once=400, wipes_per_hour=400, new_per_hour=400
)

NOBODY = Campaign(site="lab", id="none", workflow="", select="", asked_by="", proposed_at=START, members=(), failures=1)


class Fleet:
    """``count`` nodes of rack R12, in service unless ``wishes`` says otherwise. An asynchronous context manager."""

    def __init__(self, count: int, settings: SiteSettings = SERVING, wishes: list[Desired] | None = None):
        self.settings = settings
        self.clock = VirtualClock()
        self.store, self.bus = MemoryStore(self.clock), MemoryBus("lab", self.clock)
        wishes = wishes or [desired(f"gpu-{n:03d}", status="active") for n in range(1, count + 1)]
        self.wishes = {w.node: w for w in wishes}
        self.boot_side = BootSide(self.store, self.bus)
        self.worlds = {w.node: World(self.store, self.bus, self.clock, self.boot_side, w) for w in wishes}
        self.sent = 100
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Fleet":
        for wish in self.wishes.values():
            await self.store.put(f"desired.{wish.node}", wish.encode(), expect=0)
            self.boot_side.know(wish)
        world = FleetWorld(self.worlds)
        evidence = MemoryEvidence()
        proof = SoftwareProof(evidence)
        ports = Ports(self.store, self.bus, self.clock, evidence, world, world, world, proof, world)
        worker = build_worker("w1", self.settings, ports, random.Random(1))  # noqa: S311
        reconciler = Reconciler(self.store, self.bus, self.clock, random.Random(1))  # noqa: S311
        self.tasks = [asyncio.ensure_future(worker.serve()), asyncio.ensure_future(reconciler.serve())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def drive(self, effects: Effects | None = None, jitter: int = 1) -> asyncio.Task[None]:
        """Start a campaign driver; a killed one is gone without a word."""
        store: Store = self.store if effects is None else FaultyStore(self.store, effects)
        bus: Bus = self.bus if effects is None else FaultyBus(self.bus, effects)
        clock: Clock = self.clock if effects is None else FaultyClock(self.clock, effects)
        driver = CampaignDriver(
            store,
            bus,
            clock,
            self.settings,
            Preview(self.settings, STEPS, WORKFLOWS),
            lambda: list(self.wishes.values()),
            random.Random(jitter),  # noqa: S311
        )

        async def serve() -> None:
            try:
                await driver.serve()
            except BaseExceptionGroup as group:
                if group.subgroup(Killed) is None:
                    raise

        self.tasks.append(asyncio.ensure_future(serve()))
        return self.tasks[-1]

    async def want(self, wish: Desired) -> None:
        """Store another wish of a node, as ``inventory_sync`` does."""
        current = await self.store.get(f"desired.{wish.node}")
        await self.store.put(current.key, wish.encode(), expect=current.seq)
        self.wishes[wish.node] = self.worlds[wish.node].wish = wish
        self.boot_side.know(wish)
        await self.bus.wake(wish.node)

    async def command(self, verb: str, select: str, who: str = "ann", **body: str) -> CommandOutcome:
        """Send a command and let the consumer take it."""
        self.sent += 1
        fields = "".join(f', "{name}": "{value}"' for name, value in body.items())
        data = f'{{"select": "{select}"{fields}}}'.encode()
        return await self.take(Message(f"command.{who}.{verb}.lab", data, self.sent, self.clock.now()))

    async def take(self, message: Message, store: Store | None = None) -> CommandOutcome:
        """Let the consumer take a message."""
        preview = Preview(self.settings, STEPS, WORKFLOWS)
        store = store or self.store
        nodes = lambda: list(self.wishes.values())  # noqa: E731
        return await Commands(store, self.bus, self.clock, self.settings, preview, nodes).take(message)

    async def campaign(self, campaign: str) -> Campaign:
        """The record as it stands; an empty one where there is none yet."""
        value = await self.store.get(campaign_key("lab", campaign))
        return Campaign.decode(value.data) if value.data is not None else NOBODY

    async def status(self, number: int) -> NodeStatus:
        """A node's status."""
        return NodeStatus.decode((await self.store.get(f"status.lab.nb-{number}")).data or b"")

    async def until(self, holds: Callable[[Campaign], bool], campaign: str, hours: float = 24) -> Campaign:
        """Let time pass until the campaign is as asked for."""
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            found = await self.campaign(campaign)
            if holds(found):
                return found
            await self.clock.advance(timedelta(seconds=1))
        raise AssertionError(f"still not so: {await self.campaign(campaign)}")

    async def quiet(self) -> None:
        """Let some time pass, in which nothing that is stopped may go on."""
        await self.clock.advance(timedelta(minutes=5))

    async def report(self, number: int) -> None:
        """The machine that took its grant says its last word."""
        await self.worlds[f"lab.nb-{number}"].report()

    def wiped(self) -> list[int]:
        """The numbers of the nodes that were wiped, each as often as it was."""
        return [int(n.rpartition("-")[2]) for n, w in self.worlds.items() for _ in range(w.wipes)]

    def stop(self, task: asyncio.Task[None]) -> None:
        """End one of the tasks."""
        task.cancel()
        with suppress(ValueError):
            self.tasks.remove(task)


def moved(campaign: Campaign) -> int:
    """How many members were let go so far."""
    return len(campaign.members) - campaign.count(MemberState.WAITING)
