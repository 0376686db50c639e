"""The server's time: sampled from the store, carried on by this host's boot-time clock between samples.

Theory of operation. Deadlines and leases are server time, so that a wrong wall clock moves nothing. A worker must never
believe longer than the server that its lease is alive, so a new sample may set the clock *forward* at once, but draws it
back by at most one percent of the time that has passed. ``CLOCK_BOOTTIME`` counts while the host sleeps; the monotonic
clock of Linux does not.
"""

import asyncio
import time
from datetime import datetime, timedelta

from workflows.engine.ports import Store
from workflows.model.errors import Transient

EVERY = timedelta(seconds=30)
_DRAW_BACK = 0.01


class ServerClock:
    """Implements ``ports.Clock``. Made by ``sampled``; ``keep`` goes on sampling."""

    def __init__(self, store: Store, at: datetime, ticks: float):
        self._store, self._at, self._ticks = store, at, ticks

    @classmethod
    async def sampled(cls, store: Store) -> "ServerClock":
        """A clock that is right within one round trip. Raises Unreachable."""
        at, ticks = await _sample(store)
        return cls(store, at, ticks)

    def now(self) -> datetime:
        """The server's time."""
        return self._at + timedelta(seconds=_boottime() - self._ticks)

    async def sleep(self, delay: timedelta) -> None:
        """Wait."""
        await asyncio.sleep(delay.total_seconds())

    async def keep(self) -> None:
        """Sample every 30 s until cancelled; a sample that fails changes nothing."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                at, ticks = await _sample(self._store)
            except Transient:
                continue
            self.correct(at, ticks)

    def correct(self, at: datetime, ticks: float) -> None:
        """Take in a sample: ``at`` was the server's time when the boot-time clock showed ``ticks`` (seconds)."""
        passed = timedelta(seconds=ticks - self._ticks)
        shown = self._at + passed
        self._at = max(at, shown - passed * _DRAW_BACK)
        self._ticks = ticks


async def _sample(store: Store) -> tuple[datetime, float]:
    before = _boottime()
    at = await store.now()
    after = _boottime()
    return at, (before + after) / 2


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
