"""A worker's effects, numbered and named: each write to the store, the BMC, the bus, the node and the evidence.

At any of them the worker can be killed, paused, or left without an answer. A kill is what SIGKILL does: ``Killed`` is
raised at that point, nothing of the program catches it, and no clean-up of it reaches the world any more. A pause is what
SIGSTOP does: the worker stands still there, its lease keeper too, while the world and everybody else go on, until
``resume``. A lost answer is ``Unreachable``, raised before the effect took place or after it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.engine.ports import (
    Ansible,
    BiosFacts,
    BmcFacts,
    Bmcs,
    BootTarget,
    Bus,
    Clock,
    Evidence,
    FirmwareImage,
    Guard,
    Host,
    Message,
    OpenedBmc,
    PlayResult,
    Power,
    Store,
    TaskFacts,
    Value,
)
from workflows.model.desired import BmcTarget
from workflows.model.errors import Unreachable
from workflows.model.hardware import Firmware, HardwareReport, LogLine
from workflows.model.keys import NodeKey
from workflows.model.profile import BmcProtocol, BootWay, Setting
from workflows.model.record import Json


class Killed(BaseException):
    """The process is gone."""


class Fault(StrEnum):
    """What happens at the chosen effect."""

    KILL_BEFORE = "kill-before"
    KILL_AFTER = "kill-after"
    PAUSE_BEFORE = "pause-before"
    PAUSE_AFTER = "pause-after"
    LOST_BEFORE = "lost-before"
    LOST_AFTER = "lost-after"


@dataclass
class Effects:
    """Counts effects; at number ``at`` (from 1) the fault happens, once. ``names`` says what each one was."""

    at: int
    fault: Fault
    seen: int = 0
    paused: bool = False
    dead: bool = False
    names: list[str] = field(default_factory=list)
    _gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._gate.set()

    async def effect[T](self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do one effect, with the fault around it where it is the chosen one."""
        await self.running()
        self.seen += 1
        self.names.append(name)
        if self.seen != self.at:
            return await act()
        match self.fault:
            case Fault.KILL_BEFORE:
                self.kill()
            case Fault.PAUSE_BEFORE:
                await self.stand_still()
            case Fault.LOST_BEFORE:
                raise Unreachable(f"{name}: no answer")
        result = await act()
        match self.fault:
            case Fault.KILL_AFTER:
                self.kill()
            case Fault.PAUSE_AFTER:
                await self.stand_still()
            case Fault.LOST_AFTER:
                raise Unreachable(f"{name}: the answer was lost")
        return result

    def kill(self) -> None:
        """SIGKILL: from here on the worker reaches nothing."""
        self.dead = True
        raise Killed

    async def stand_still(self) -> None:
        """Paused until ``resume``."""
        self.stop()
        await self.running()

    async def running(self) -> None:
        """Return at once, or when the pause is over; never where the process is gone."""
        await self._gate.wait()
        if self.dead:
            raise Killed

    def stop(self) -> None:
        """SIGSTOP from outside: it stands still at whatever it comes to next."""
        self.paused = True
        self._gate.clear()

    def resume(self) -> None:
        """SIGCONT."""
        self.paused = False
        self._gate.set()


@dataclass(frozen=True)
class FaultyStore:
    """A store whose writes are effects."""

    inner: Store
    effects: Effects

    async def get(self, key: str) -> Value:
        """Read."""
        await self.effects.running()
        return await self.inner.get(key)

    async def list(self, pattern: str) -> list[Value]:
        """Read."""
        await self.effects.running()
        return await self.inner.list(pattern)

    async def put(self, key: str, data: bytes, *, expect: int, ttl: timedelta | None = None) -> int:
        """An effect."""
        return await self.effects.effect(f"put {key}", lambda: self.inner.put(key, data, expect=expect, ttl=ttl))

    async def append(self, key: str, data: bytes, *, guard: Guard) -> int:
        """An effect."""
        return await self.effects.effect(f"append {key}", lambda: self.inner.append(key, data, guard=guard))

    async def delete(self, key: str, *, expect: int) -> None:
        """An effect."""
        await self.effects.effect(f"delete {key}", lambda: self.inner.delete(key, expect=expect))

    async def watch(self, *patterns: str) -> AsyncIterator[Value]:
        """Read."""
        async for value in self.inner.watch(*patterns):
            await self.effects.running()
            yield value

    async def now(self) -> datetime:
        """Read."""
        await self.effects.running()
        return await self.inner.now()


@dataclass(frozen=True)
class FaultyBus:
    """A bus on which publishing is an effect."""

    inner: Bus
    effects: Effects

    async def wake(self, node: NodeKey) -> None:
        """An effect."""
        await self.effects.effect(f"wake {node}", lambda: self.inner.wake(node))

    async def wakes(self) -> AsyncIterator[NodeKey]:
        """Read."""
        async for node in self.inner.wakes():
            await self.effects.running()
            yield node

    async def publish(self, subject: str, data: bytes, *, dedupe: str | None = None) -> int:
        """An effect."""
        return await self.effects.effect(f"publish {subject}", lambda: self.inner.publish(subject, data, dedupe=dedupe))

    async def consume(self, durable: str, *subjects: str) -> AsyncIterator[Message]:
        """Read."""
        async for message in self.inner.consume(durable, *subjects):
            await self.effects.running()
            yield message

    def log(self, run: str, step: str, line: bytes) -> None:
        """A line that may be lost is no effect."""
        self.inner.log(run, step, line)


@dataclass(frozen=True)
class FaultyClock:
    """A clock that goes on while its worker stands still."""

    inner: Clock
    effects: Effects

    def now(self) -> datetime:
        """The time."""
        return self.inner.now()

    async def sleep(self, delay: timedelta) -> None:
        """Sleep, and no sooner than the pause is over."""
        await self.inner.sleep(delay)
        await self.effects.running()


@dataclass(frozen=True)
class FaultyAnsible:
    """What a worker does on a node: each an effect."""

    inner: Ansible
    effects: Effects

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """An effect."""
        return await self.effects.effect(
            f"play {host.node} {playbook}",
            lambda: self.inner.play(host, playbook, variables, run=run, step=step, timeout=timeout),
        )

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """An effect."""
        return await self.effects.effect(
            f"collect {host.node}",
            lambda: self.inner.collect(host, probes, parameters, run=run, step=step, timeout=timeout),
        )

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """An effect."""
        return await self.effects.effect(
            f"shell {host.node} {command[0]}", lambda: self.inner.shell(host, command, timeout=timeout)
        )


@dataclass(frozen=True)
class FaultyEvidence:
    """Evidence whose keeping is an effect."""

    inner: Evidence
    effects: Effects

    async def put(self, data: bytes) -> str:
        """An effect."""
        return await self.effects.effect("evidence", lambda: self.inner.put(data))

    async def get(self, sha256: str) -> bytes:
        """Read."""
        await self.effects.running()
        return await self.inner.get(sha256)


@dataclass(frozen=True)
class FaultyBmcs:
    """BMCs whose writes are effects."""

    inner: Bmcs
    effects: Effects

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> OpenedBmc:
        """A connection."""
        return _FaultyBmc(self.inner.connect(target, protocol), self.effects, target.address)


@dataclass(frozen=True)
class _FaultyBmc:
    inner: OpenedBmc
    effects: Effects
    address: str

    async def open(self) -> str | None:
        return await self.effects.effect(f"bmc open {self.address}", self.inner.open)

    async def end_session(self, uri: str) -> None:
        await self.effects.effect(f"bmc end {uri}", lambda: self.inner.end_session(uri))

    async def facts(self) -> BmcFacts:
        await self.effects.running()
        return await self.inner.facts()

    async def survey(self) -> HardwareReport:
        await self.effects.running()
        return await self.inner.survey()

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        await self.effects.running()
        return await self.inner.events(limit)

    async def bios(self) -> BiosFacts:
        await self.effects.running()
        return await self.inner.bios()

    async def firmware(self) -> tuple[Firmware, ...]:
        await self.effects.running()
        return await self.inner.firmware()

    async def tasks(self) -> tuple[TaskFacts, ...]:
        await self.effects.running()
        return await self.inner.tasks()

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        await self.effects.effect(f"bmc set bios {self.address}", lambda: self.inner.set_bios(attributes))

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        await self.effects.effect(f"bmc flash {self.address}", lambda: self.inner.flash(paths, image))

    async def power(self, wanted: Power) -> None:
        await self.effects.effect(f"bmc power {wanted} {self.address}", lambda: self.inner.power(wanted))

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        await self.effects.effect(f"bmc boot {target} {self.address}", lambda: self.inner.boot(target, way, media))

    async def reset_bmc(self) -> None:
        await self.effects.effect(f"bmc reset {self.address}", self.inner.reset_bmc)

    async def close(self) -> None:
        await self.effects.running()
        await self.inner.close()
