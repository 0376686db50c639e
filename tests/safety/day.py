"""A day of a small site on which anything may happen, in virtual time and in any order; promises are checked at each step.

Two nodes, two workers with their reconciler and command consumer as ``app`` wires them, an inventory with its sync, and the
boot service. What may happen is a method here; whoever calls them, a seed or Hypothesis, tells the story. ``calm`` ends
it: the faults are mended, persons answer what is asked, and every node has to come to rest.
"""

import asyncio
import random
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from app.worker import Ports, build_worker
from burn_in.proof import SoftwareProof
from inventory_sync.record_wish import record_wish, stored
from lab.memory.bus import MemoryBus
from lab.memory.clock import VirtualClock, settle
from lab.memory.evidence import MemoryEvidence
from lab.memory.store import MemoryStore
from tests.fakes.boot_side import BootSide
from tests.fakes.effects import (
    Effects,
    Fault,
    FaultyAnsible,
    FaultyBmcs,
    FaultyBus,
    FaultyClock,
    FaultyEvidence,
    FaultyStore,
)
from tests.fakes.fleet import FleetWorld
from tests.fakes.world import World
from tests.safety.invariants import unrest, violations
from tests.workflows.samples import desired
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.campaign import Preview
from workflows.engine.commands import Commands
from workflows.engine.look import View, look
from workflows.engine.ports import BootTarget, Power
from workflows.engine.reconciler import Reconciler
from workflows.model.command import Verb
from workflows.model.desired import Desired, Intent
from workflows.model.errors import BringupError
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState
from workflows.model.verdict import Verdict

RESTART = timedelta(seconds=5)
_TICK = timedelta(seconds=20)
_HOURS = timedelta(hours=10)
#: Every so many times a person answers a parked run with ``cancel`` instead of ``retry``.
_PATIENCE = 3

#: What people do to a record in the inventory, by name.
EDITS: dict[str, dict[str, object]] = {
    "staged": {"status": "staged", "intent": Intent.SERVE},
    "active": {"status": "active", "intent": Intent.SERVE},
    "planned": {"status": "planned", "intent": Intent.NOT_OURS},
    "moved": {"rack": "R13"},
    "moved back": {"rack": "R12"},
    "protected": {"protected": True},
    "not protected": {"protected": False},
    "broken": {"problems": ("the profile is unknown",)},
    "mended": {"problems": ()},
}


class Day:
    """The site. Every method but ``start``, ``check``, ``calm`` and ``stop`` is something that happens."""

    def __init__(self, nodes: int = 2, workers: int = 2, mode: Mode = Mode.AUTOMATIC):
        self.settings = SiteSettings(site="lab", mode=mode, wipes_at_once=1, four_eyes=True, campaign_from=99)
        self.clock = VirtualClock()
        self.store, self.bus = MemoryStore(self.clock), MemoryBus("lab", self.clock)
        self.boot_side = BootSide(self.store, self.bus)
        self.worlds: list[World] = []
        for number in range(1, nodes + 1):
            wish = desired(f"gpu-{number:03d}", generation=0)
            world = World(self.store, self.bus, self.clock, self.boot_side, wish, record=wish)
            world.post, world.writing = timedelta(seconds=40), timedelta(seconds=90)
            self.worlds.append(world)
        self.workers: list[tuple[Effects, asyncio.Task[None]]] = []
        self.story: list[str] = []
        self._started = 0
        self._workers = workers
        self._stopping = False

    async def start(self) -> None:
        """Everything runs; nobody has asked for anything yet."""
        for number in range(self._workers):
            self.workers.append(self._process(number))

    async def stop(self) -> None:
        """Everything ends."""
        self._stopping = True
        self.store.down = False
        for world in self.worlds:
            world.pull_the_plug()
        for effects, task in self.workers:
            effects.dead = True
            effects.resume()
            task.cancel()
        await asyncio.gather(*(task for _, task in self.workers), return_exceptions=True)
        await settle()

    # --- what happens: people -------------------------------------------------------------------------------------

    def edit(self, node: int, how: str) -> None:
        """Somebody edits the record; whether anybody hears of it is another matter."""
        record = self.worlds[node].record
        assert record is not None
        self.worlds[node].record = record.model_copy(update=EDITS[how])

    async def sync(self, node: int) -> None:
        """A hint arrived, early, late or twice: the record is read and stored where it differs."""
        world = self.worlds[node]
        try:
            before = await stored(self.store, world.wish.node)
            record = world.record
            assert record is not None
            wish = await record_wish(self.store, self.bus, before, record)
        except BringupError:
            return
        if wish is not None:
            self.boot_side.know(wish)

    async def command(self, node: int, verb: Verb, who: str = "ann") -> None:
        """Somebody sends a command."""
        body = f'{{"select": "{self.worlds[node].wish.name}", "reason": "a test"}}'.encode()
        await self.bus.publish(f"command.{who}.{verb}.lab", body)

    async def command_again(self) -> None:
        """The last command is sent once more, the very same."""
        sent = self.bus.kept("command.*.*.lab")
        if sent:
            await self.bus.publish(sent[-1].subject, sent[-1].data)

    # --- what happens: workers ------------------------------------------------------------------------------------

    def strike(self, worker: int, after: int, fault: Fault) -> None:
        """The worker's effect after so many more is struck."""
        effects, _ = self.workers[worker]
        effects.at, effects.fault = effects.seen + after, fault

    def pause(self, worker: int) -> None:
        """SIGSTOP."""
        self.workers[worker][0].stop()

    def resume(self, worker: int) -> None:
        """SIGCONT."""
        self.workers[worker][0].resume()

    def kill(self, worker: int) -> None:
        """SIGKILL; the service manager starts another."""
        effects, task = self.workers[worker]
        effects.dead = True
        effects.resume()
        task.cancel()
        self.workers[worker] = self._process(worker)

    # --- what happens: the world ----------------------------------------------------------------------------------

    def bmc(self, node: int, up: bool) -> None:
        """The BMC is cut off, or back."""
        self.worlds[node].bmc_up = up

    def bmc_ignores(self, node: int, calls: int) -> None:
        """The BMC says OK to so many power calls and does nothing."""
        self.worlds[node].ignores_power = calls

    def swapped(self, node: int, away: bool) -> None:
        """Another machine stands where this one did, or it is back."""
        world = self.worlds[node]
        world.pull_the_plug()
        world.serial = "SOMEBODY-ELSE" if away else str(world.wish.serial)

    async def power_fails(self, node: int, back: bool) -> None:
        """The machine loses power, and may come back by itself."""
        self.worlds[node].pull_the_plug()
        if back:
            await self._switched_on(node)

    async def boots_the_network(self, node: int) -> None:
        """Somebody restarts the machine by hand, from the network."""
        self.worlds[node].pull_the_plug()
        self.worlds[node].boot = BootTarget.NETWORK_ONCE
        await self._switched_on(node)

    def reports(self, node: int, whether: bool) -> None:
        """Whether the machine says that it is done."""
        self.worlds[node].reports = whether

    def ignores_network(self, node: int, whether: bool) -> None:
        """Whether the machine ignores the network boot that is set."""
        self.worlds[node].ignores_network = whether

    def verdict(self, node: int, verdict: Verdict) -> None:
        """What the burn-in will say."""
        self.worlds[node].verdict = verdict

    def inventory(self, up: bool) -> None:
        """The inventory is out of reach, or back."""
        for world in self.worlds:
            world.inventory_up = up

    def store_down(self, down: bool) -> None:
        """NATS is out of reach, or back."""
        self.store.down = down

    def answers_lost(self, count: int) -> None:
        """So many writes will be stored whose acknowledgements are lost."""
        self.store.lose_answers = count

    async def wakes_lost(self) -> None:
        """What was waiting is gone."""
        self.bus.forget_wakes()

    async def wake(self, node: int) -> None:
        """A hint for nothing."""
        await self.bus.wake(self.worlds[node].wish.node)

    async def time(self, seconds: int) -> None:
        """Time passes."""
        await self.clock.advance(timedelta(seconds=seconds))

    async def _switched_on(self, node: int) -> None:
        world = self.worlds[node]
        ignores, world.ignores_power = world.ignores_power, 0
        await world.set_power(Power.ON)
        world.ignores_power = ignores

    # --- what must hold -------------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Every promise holds of every node now.

        Raises:
            AssertionError: one doesn't.
        """
        down, self.store.down = self.store.down, False
        broken = [line for world in self.worlds for line in await violations(self.store, world)]
        self.store.down = down
        assert not broken, "\n".join(broken)

    async def calm(self) -> list[View]:
        """Mend every fault and let people answer; each node's last view.

        Raises:
            AssertionError: a promise is broken, or a node doesn't come to rest with a reason and a next action.
        """
        self._mend()
        for effects, _ in self.workers:
            effects.at = 0
            effects.resume()
        tries = dict.fromkeys(range(len(self.worlds)), 0)
        end = self.clock.now() + _HOURS
        while self.clock.now() < end:
            await self.clock.advance(_TICK)
            views = [await look(self.store, world.wish.node) for world in self.worlds]
            resting = [await self._rests(number, view, tries) for number, view in enumerate(views)]
            if all(resting):
                break
        else:
            await self.check()
            raise AssertionError(f"it never came to rest: {[view.status for view in views]}")
        await self.clock.advance(timedelta(minutes=2))
        await self.check()
        broken = [line for world in self.worlds for line in await unrest(self.store, world, hindered=True)]
        broken += [
            f"{view.status.label} is {view.status.state} without a reason or a next action"
            for view in views
            if view.status.state is NodeState.FAILED and not (view.status.reason and view.status.next_action)
        ]
        assert not broken, "\n".join(broken)
        return views

    def _mend(self) -> None:
        self.store.down, self.store.lose_answers = False, 0
        for world in self.worlds:
            if world.serial != world.wish.serial:
                world.pull_the_plug()
            world.serial = str(world.wish.serial)
            world.bmc_up = world.inventory_up = world.reports = True
            world.ignores_power, world.ignores_network = 0, False

    async def _rests(self, number: int, view: View, tries: dict[int, int]) -> bool:
        """Whether a node is at rest; a person answers where one is asked, and the machine that was silent speaks."""
        world = self.worlds[number]
        if world.silent:
            await world.report()
            return False
        await self.sync(number)
        if view.open_run is None:
            return view.desired is None or (view.status == view.stored and view.status.generation > 0)
        match view.status.state:
            case NodeState.PARKED if view.status.digest:
                await self.command(number, Verb.APPROVE, "eve")
            case NodeState.PARKED:
                tries[number] += 1
                await self.command(number, Verb.RETRY if tries[number] % _PATIENCE else Verb.CANCEL, "bob")
            case NodeState.HELD:
                await self.command(number, Verb.UNHOLD, "bob")
        return False

    # --- a worker's process ---------------------------------------------------------------------------------------

    def _process(self, number: int) -> tuple[Effects, "asyncio.Task[None]"]:
        self._started += 1
        effects = Effects(at=0, fault=Fault.KILL_BEFORE)
        name = f"w{number}-{self._started}"
        return effects, asyncio.create_task(self._managed(number, name, effects), name=name)

    async def _managed(self, number: int, name: str, effects: Effects) -> None:
        """What a service manager does: a process that ended is started again, a killed one by its successor."""
        while True:
            try:
                await self._serve(name, effects)
            except BaseExceptionGroup:
                if effects.dead and not self._stopping and self.workers[number][0] is effects:
                    await self.clock.sleep(RESTART)
                    self.workers[number] = self._process(number)
            if effects.dead:
                return
            await self.clock.sleep(RESTART)

    async def _serve(self, name: str, effects: Effects) -> None:
        world = FleetWorld({world.wish.node: world for world in self.worlds})
        store, bus = FaultyStore(self.store, effects), FaultyBus(self.bus, effects)
        clock = FaultyClock(self.clock, effects)
        evidence = FaultyEvidence(MemoryEvidence(), effects)
        ports = Ports(
            store,
            bus,
            clock,
            evidence,
            FaultyBmcs(world, effects),
            FaultyAnsible(world, effects),
            world,
            SoftwareProof(evidence),
            world,
        )
        jitter = random.Random(name)  # noqa: S311
        preview = Preview(self.settings, STEPS, WORKFLOWS)
        commands = Commands(store, bus, clock, self.settings, preview, self._wishes)
        services: list[Coroutine[Any, Any, None]] = [
            build_worker(name, self.settings, ports, jitter).serve(),
            Reconciler(store, bus, clock, jitter).serve(),
            commands.serve(),
        ]
        async with asyncio.TaskGroup() as group:
            for service in services:
                group.create_task(service)

    def _wishes(self) -> list[Desired]:
        return [world.record for world in self.worlds if world.record is not None]
