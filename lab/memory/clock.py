"""Two clocks: this host's, and one that stands still until it is told to go on.

Theory of operation of ``VirtualClock``. ``sleep`` and ``call_at`` only put a timer on a heap. ``advance`` fires the timers
that are due, one after the other; after each it lets every task run until nothing is ready any more, so what a timer set
off has happened before the next one fires. ``run`` does the same for as long as a coroutine needs: it jumps to the next
timer whenever all tasks wait. Only what waits for this clock is waited for: not sockets, not threads.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol

from workflows.engine.ports import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


class Timers(Clock, Protocol):
    """A clock that also calls back; the store in memory lets records expire with it."""

    def call_at(self, when: datetime, call: Callable[[], None]) -> None:
        """Call when the time has come."""


class LocalClock:
    """This host's clock."""

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        """Wait."""
        await asyncio.sleep(delay.total_seconds())

    def call_at(self, when: datetime, call: Callable[[], None]) -> None:
        """Call when the time has come."""
        asyncio.get_running_loop().call_later((when - self.now()).total_seconds(), call)


class VirtualClock:
    """A clock that only its owner moves."""

    def __init__(self, start: datetime = START):
        self._now = start
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = count()

    def now(self) -> datetime:
        """The time."""
        return self._now

    async def sleep(self, delay: timedelta) -> None:
        """Wait until somebody moves the clock that far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.call_at(self._now + delay, lambda: None if woken.done() else woken.set_result(None))
        await woken

    def call_at(self, when: datetime, call: Callable[[], None]) -> None:
        """Call when the clock gets there."""
        heapq.heappush(self._timers, (when, next(self._number), call))

    async def advance(self, delay: timedelta) -> None:
        """Move on by ``delay``, firing what is due on the way."""
        until = self._now + delay
        await settle()
        while self._timers and self._timers[0][0] <= until:
            await self._fire()
        self._now = max(self._now, until)

    async def run[T](self, work: Coroutine[Any, Any, T], *, within: timedelta = timedelta(days=1)) -> T:
        """Run ``work`` to its end, jumping from timer to timer.

        Raises:
            TimeoutError: it needs more than ``within`` of virtual time, or waits for something else than this clock.
        """
        task = asyncio.ensure_future(work)
        until = self._now + within
        try:
            await settle()
            while not task.done():
                if not self._timers or self._timers[0][0] > until:
                    raise TimeoutError(f"still waiting at {self._now}: no timer is due within {within}")
                await self._fire()
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))

    async def _fire(self) -> None:
        when, _, call = heapq.heappop(self._timers)
        self._now = max(self._now, when)
        call()
        await settle()


async def settle() -> None:
    """Return when no other task of this loop can go on by itself."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # asyncio has no public word for it
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110
        await asyncio.sleep(0)
