"""A worker's effects, numbered: each write to the store and each write to the BMC, where it can be killed or paused.

A kill raises ``Killed`` (nothing of the program catches it). A pause is what SIGSTOP does: the worker stands still at that
point, its lease keeper too, while the world and everybody else go on, until ``resume``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.engine.ports import Bmc, BmcFacts, Bmcs, BootTarget, Clock, Guard, Power, Store, Value
from workflows.model.desired import BmcTarget
from workflows.model.profile import BmcProtocol


class Killed(BaseException):
    """The process is gone."""


class Fault(StrEnum):
    """What happens at the chosen effect."""

    KILL_BEFORE = "kill-before"
    KILL_AFTER = "kill-after"
    PAUSE_BEFORE = "pause-before"
    PAUSE_AFTER = "pause-after"


@dataclass
class Effects:
    """Counts effects; at number ``at`` (from 1) the fault happens, once."""

    at: int
    fault: Fault
    seen: int = 0
    paused: bool = False
    _gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._gate.set()

    async def effect[T](self, act: Callable[[], Awaitable[T]]) -> T:
        """Do one effect, with the fault around it where it is the chosen one."""
        self.seen += 1
        if self.seen != self.at:
            await self._gate.wait()
            return await act()
        if self.fault is Fault.KILL_BEFORE:
            raise Killed
        if self.fault is Fault.PAUSE_BEFORE:
            await self.stand_still()
            return await act()
        result = await act()
        if self.fault is Fault.KILL_AFTER:
            raise Killed
        await self.stand_still()
        return result

    async def stand_still(self) -> None:
        """Paused until ``resume``."""
        self.paused = True
        self._gate.clear()
        await self._gate.wait()

    async def running(self) -> None:
        """Return at once, or when the pause is over."""
        await self._gate.wait()

    def resume(self) -> None:
        """SIGCONT."""
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
        return await self.effects.effect(lambda: self.inner.put(key, data, expect=expect, ttl=ttl))

    async def append(self, key: str, data: bytes, *, guard: Guard) -> int:
        """An effect."""
        return await self.effects.effect(lambda: self.inner.append(key, data, guard=guard))

    async def delete(self, key: str, *, expect: int) -> None:
        """An effect."""
        await self.effects.effect(lambda: self.inner.delete(key, expect=expect))

    def watch(self, *patterns: str) -> AsyncIterator[Value]:
        """Read."""
        return self.inner.watch(*patterns)

    async def now(self) -> datetime:
        """Read."""
        return await self.inner.now()


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
class FaultyBmcs:
    """BMCs whose writes are effects."""

    inner: Bmcs
    effects: Effects

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> Bmc:
        """A connection."""
        return _FaultyBmc(self.inner.connect(target, protocol), self.effects)


@dataclass(frozen=True)
class _FaultyBmc:
    inner: Bmc
    effects: Effects

    async def open(self) -> str | None:
        return await self.effects.effect(self.inner.open)

    async def end_session(self, uri: str) -> None:
        await self.effects.effect(lambda: self.inner.end_session(uri))

    async def facts(self) -> BmcFacts:
        await self.effects.running()
        return await self.inner.facts()

    async def power(self, wanted: Power) -> None:
        await self.effects.effect(lambda: self.inner.power(wanted))

    async def boot(self, target: BootTarget) -> None:
        await self.effects.effect(lambda: self.inner.boot(target))

    async def reset_bmc(self) -> None:
        await self.effects.effect(self.inner.reset_bmc)

    async def close(self) -> None:
        await self.inner.close()
