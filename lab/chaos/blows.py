"""The blows: which process is hit, how, and for how long. The seed chooses; the store says who is worth hitting.

Theory of operation. A kill that hits an idle process proves nothing. So a worker is a victim only while the store shows
leases in its name, and what it held is read again *after* the blow: a dead or stopped process gives nothing back, so
what stands then are its orphans. A boot service is hit while a grant is *taken*, that is while a machine writes its disk.
A paused worker stays paused until others hold all that it held, and then goes on: that is when the stale writes come. One
whose clocks stand is hit in a step that acts on a BMC, and goes on after a successor opened a session of its own there.
Until that has made the store and a BMC refuse something, every second blow is of this kind: a run in which nobody tried the
fences would prove nothing. After every second kill of a worker nothing else is hit until its nodes are taken over, so that
some of the times are those of a takeover and not of a pile-up.
"""

import asyncio
import random
import signal
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from lab.chaos.report import Hit
from lab.chaos.site import SITE, ChaosSite, Service, until
from workflows.engine.lease import LeaseRecord
from workflows.jetstream.table import STATE
from workflows.model.errors import Transient
from workflows.model.grant import Grant, GrantState
from workflows.model.journal import Entry, Kind
from workflows.model.status import NodeStatus

#: A lease lives 20 s; a paused process stays so at least this much longer than its successor needs.
_PAST = 2.0
_PAUSE_AT_MOST = 40.0
#: A worker that reaches the store renews within a third of a lease.
_TWO_RENEWALS = 8.0
_PATIENCE = 20.0
#: A worker that was killed is started again, connects and claims, on a busy host.
_COMES_BACK = 60.0
_AIMS, _AIM_AGAIN = 20, (0.05, 0.3)
#: Steps in which a claim has a session of its own on the BMC.
_ACTING = ("netboot", "power_on", "reboot")
_DOWN = (0.5, 2.5)


type Chosen = Callable[[str, dict[str, Held]], bool]


class Blow(StrEnum):
    """The kinds. A *machine* that is paused takes its clocks along: its worker doesn't notice."""

    KILL_WORKER = "kill -9 of a worker"
    PAUSE_WORKER = "pause of a worker past its lease"
    PAUSE_MACHINE = "pause of a worker past its lease, clocks and all"
    KILL_BOOT = "kill -9 of a boot service"
    KILL_BOTH_BOOTS = "kill -9 of both boot services"
    PAUSE_BOOT = "pause of a boot service past a lease"
    KILL_NATS = "kill -9 of the leading nats-server"
    PARTITION = "a nats-server and its worker cut off from the others"


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as the store shows it: its token, and the sequence of its newest renewal."""

    token: int
    seq: int


@dataclass(slots=True)
class Blows:
    """Deals them out. ``statuses`` are the nodes as the controller's watch shows them; ``say`` tells the reader."""

    site: ChaosSite
    rng: random.Random
    statuses: dict[str, NodeStatus]
    say: Callable[[str], None]
    hits: list[Hit] = field(default_factory=list)
    missed: int = 0
    _queue: list[Blow] = field(default_factory=list)
    _try_fences: bool = True
    _leave_alone: bool = False
    _going_on: set[asyncio.Task[None]] = field(default_factory=set)

    async def deal(self) -> None:
        """One blow, the next of the shuffled list of all kinds; returns when the next one may follow."""
        blow = self._next()
        try:
            match blow:
                case Blow.KILL_WORKER:
                    await self._kill_worker(blow)
                case Blow.PAUSE_WORKER:
                    await self._pause_worker(blow, lambda name, _held: name not in self.site.standing)
                case Blow.PAUSE_MACHINE:
                    await self._pause_worker(blow, lambda name, held: name in self.site.standing and self._acts(held))
                case Blow.KILL_BOOT | Blow.KILL_BOTH_BOOTS:
                    await self._kill_boots(blow)
                case Blow.PAUSE_BOOT:
                    await self._pause_boot(blow)
                case Blow.KILL_NATS:
                    await self._kill_nats(blow)
                case Blow.PARTITION:
                    await self._cut_off(blow)
        except Transient:
            self.missed += 1

    def _next(self) -> Blow:
        if self._try_fences and not self.site.fences_tried():
            self._try_fences = False
            return Blow.PAUSE_MACHINE
        self._try_fences = True
        if not self._queue:
            self._queue = [blow for blow in Blow if blow is not Blow.PARTITION or self.site.island is not None]
            self.rng.shuffle(self._queue)
        return self._queue.pop()

    async def over(self) -> None:
        """Wait until all that was paused goes on."""
        while self._going_on:
            await asyncio.gather(*self._going_on)

    async def _kill_worker(self, blow: Blow) -> None:
        victim = await self._holder(lambda _name, _held: True)
        if victim is None:
            return
        at = await self.site.site.store.now()
        await victim.kill()
        hit = await self._note(blow, victim, at)
        self._leave_alone = not self._leave_alone
        if self._leave_alone:
            await self._taken_over(hit)

    async def _pause_worker(self, blow: Blow, chosen: Chosen) -> None:
        """Pause it; one whose clocks stand is let go at once, and stopped again, until it stands in the middle of an act."""
        for _ in range(_AIMS):
            victim = await self._holder(chosen)
            if victim is None:
                return
            at = await self.site.site.store.now()
            victim.send(signal.SIGSTOP)
            hit = self._hit(blow, victim, at, (await self._leases()).get(victim.name, {}))
            if hit.orphans and (blow is not Blow.PAUSE_MACHINE or await self._sessions(hit, ended=False)):
                victim.paused = True
                self._struck(hit)
                self._later(self._go_on(victim, hit))
                return
            victim.send(signal.SIGCONT)
            await asyncio.sleep(self.rng.uniform(*_AIM_AGAIN))
        self.missed += 1

    async def _kill_boots(self, blow: Blow) -> None:
        victims = [s for s in self.site.boots.values() if s.alive]
        if not victims or not await self._somebody_writes():
            self.missed += 1
            return
        if blow is Blow.KILL_BOOT:
            victims = [self.rng.choice(victims)]
        at = await self.site.site.store.now()
        for victim in victims:
            await victim.kill()
        self._struck(Hit(blow, ", ".join(v.name for v in victims), at, delays=False))

    async def _pause_boot(self, blow: Blow) -> None:
        victims = [s for s in self.site.boots.values() if s.alive]
        if not victims or not await self._somebody_writes():
            self.missed += 1
            return
        victim = self.rng.choice(victims)
        victim.send(signal.SIGSTOP)
        victim.paused = True
        self._struck(Hit(blow, victim.name, await self.site.site.store.now(), delays=False))
        self._later(self._go_on(victim, None))

    async def _kill_nats(self, blow: Blow) -> None:
        """Kill the leader, start it again, and wait until all three have everything: one after another."""
        wire = self.site.site.wire
        cluster = (await wire.api(f"STREAM.INFO.{STATE}")).get("cluster")
        if not isinstance(cluster, dict) or "leader" not in cluster:
            self.missed += 1
            return
        server = self.site.cluster.named(str(cluster["leader"]))
        at = await self.site.site.store.now()
        await server.kill()
        self._struck(Hit(blow, server.name, at))
        await asyncio.sleep(self.rng.uniform(*_DOWN))
        await server.start()
        await self._whole()

    async def _cut_off(self, blow: Blow) -> None:
        """Cut off one server with the worker that is connected to it, until others hold all that this worker held.

        A worker that lost its server once is connected to another one since: it is killed first, and comes back to its own.
        """
        islander, island = self.site.workers[self.site.islander], self.site.island
        if islander.paused or island is None:
            self.missed += 1
            return
        at = await self.site.site.store.now()
        await islander.kill()
        hit = await self._note(Blow.KILL_WORKER, islander, at)

        def anew(held: dict[str, Held]) -> dict[str, Held]:
            return {node: lease for node, lease in held.items() if lease.token != hit.orphans.get(node)}

        victim = await self._holder(lambda name, held: name == self.site.islander and bool(anew(held)), _COMES_BACK)
        if victim is None:
            return
        at = await self.site.site.store.now()
        await island.cut()
        try:
            held = anew((await self._leases()).get(victim.name, {}))
            await asyncio.sleep(_TWO_RENEWALS)
            unrenewed = (await self._leases()).get(victim.name, {})
            held = {node: lease for node, lease in held.items() if unrenewed.get(node) == lease}
            if not held:
                self.missed += 1  # it renews its leases: it was connected elsewhere
                return
            self._struck(replace(self._hit(blow, victim, at, held), with_server=True))
            victim.paused = True
            await self._overtaken(victim)
        finally:
            victim.paused = False
            await island.join()
        await self._whole()

    async def _whole(self) -> None:
        """Wait until all three servers have all of the state."""

        async def whole() -> bool:
            try:
                found = (await self.site.site.wire.api(f"STREAM.INFO.{STATE}")).get("cluster")
            except Transient:
                return False
            replicas = found.get("replicas") if isinstance(found, dict) else None
            return isinstance(replicas, list) and all(isinstance(r, dict) and r.get("current") for r in replicas)

        await until("the cluster is whole", whole, 60)

    # --- who, and what it held ----------------------------------------------------------------------------------------

    async def _leases(self) -> dict[str, dict[str, Held]]:
        """Worker → node → what it holds."""
        found: dict[str, dict[str, Held]] = defaultdict(dict)
        for value in await self.site.site.store.list(f"lease.{SITE}.*"):
            record = LeaseRecord.decode(value.data or b"")
            found[record.worker][value.key.removeprefix("lease.")] = Held(record.token or value.seq, value.seq)
        return found

    def _acts(self, nodes: Iterable[str]) -> bool:
        """Whether one of them is in a step that writes to its BMC."""
        return any(self._step(node) in _ACTING for node in nodes)

    async def _holder(self, chosen: Chosen, patience: float = _PATIENCE) -> Service | None:
        """A running worker that holds a lease now; waits for one. The last running worker is spared."""
        held: dict[str, dict[str, Held]] = {}

        async def some() -> bool:
            nonlocal held
            held = await self._leases()
            return any(self.site.workers[name].alive for name in held if chosen(name, held[name]))

        alive = [s for s in self.site.workers.values() if s.alive]
        if len(alive) < 2 or not await until("a worker holds a lease", some, patience, every=0.05):
            self.missed += 1
            return None
        found = [n for n in sorted(held) if chosen(n, held[n]) and self.site.workers[n].alive]
        return self.site.workers[self.rng.choice(found)]

    async def _note(self, blow: Blow, victim: Service, at: datetime) -> Hit:
        hit = self._hit(blow, victim, at, (await self._leases()).get(victim.name, {}))
        if hit.orphans:
            self._struck(hit)
        else:
            self.missed += 1
        return hit

    def _struck(self, hit: Hit) -> None:
        self.hits.append(hit)
        orphans = f", which held {', '.join(sorted(hit.orphans))}" if hit.orphans else ""
        self.say(f"{hit.kind}: {hit.victim}{orphans}")

    def _hit(self, blow: Blow, victim: Service, at: datetime, held: dict[str, Held]) -> Hit:
        playing = frozenset(n for n in held if n in self.site.real and self._step(n) == "configure")
        return Hit(blow, victim.name, at, {node: lease.token for node, lease in held.items()}, playing)

    def _step(self, node: str) -> str:
        status = self.statuses.get(node)
        return status.step if status is not None else ""

    async def _somebody_writes(self) -> bool:
        async def taken() -> bool:
            grants = await self.site.site.store.list(f"grant.{SITE}.>")
            return any(Grant.decode(v.data or b"").state is GrantState.TAKEN for v in grants)

        return await until("a machine writes its disk", taken, _PATIENCE, every=0.02)

    # --- afterwards ---------------------------------------------------------------------------------------------------

    async def _go_on(self, service: Service, hit: Hit | None) -> None:
        """Let a paused process go on, once others hold what it held; a boot service after as long as a lease lives."""
        if hit is None:
            await asyncio.sleep(_PAUSE_AT_MOST / 2)
        else:
            await self._overtaken(service)
        if hit is not None and hit.kind == Blow.PAUSE_MACHINE:
            await until("a successor has ended its session", partial(self._sessions, hit, ended=True), _PAUSE_AT_MOST)
        service.paused = False
        service.send(signal.SIGCONT)

    async def _overtaken(self, service: Service) -> None:
        """Wait until the store shows no lease in its name, and others had a moment to work on what it held."""

        async def overtaken() -> bool:
            try:
                return not (await self._leases()).get(service.name)
            except Transient:
                return False

        await until("others hold what it held", overtaken, _PAUSE_AT_MOST)
        await asyncio.sleep(_PAST)

    async def _taken_over(self, hit: Hit) -> None:
        """Wait until the store shows none of its leases any more, and others had a moment to work on what it held."""

        async def gone() -> bool:
            try:
                held = [h for of in (await self._leases()).values() for h in of.items()]
            except Transient:
                return False
            return not any(lease.token == hit.orphans.get(node) for node, lease in held)

        await until("its leases are gone", gone, _PAUSE_AT_MOST)
        await asyncio.sleep(_PAST)

    async def _sessions(self, hit: Hit, *, ended: bool) -> bool:
        """Whether the victim had a BMC session on one of the orphans; ``ended``: and a later holder opened its own there."""
        try:
            for node, token in hit.orphans.items():
                entries = [Entry.decode(v.data or b"") for v in await self.site.site.store.list(f"journal.{node}.>")]
                tokens = [entry.token for entry in entries if entry.kind is Kind.SESSION]
                if token in tokens and (max(tokens) > token or not ended):
                    return True
        except Transient:
            pass
        return False

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
