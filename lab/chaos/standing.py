"""A process whose clocks stand while it is stopped: what a paused virtual machine is to the program in it.

Theory of operation. A worker that gets SIGSTOP and goes on later sees by its boot-time clock that its lease is over, and
writes nothing: its own caution hides whether anybody else would have stopped it. A worker in a virtual machine whose
hypervisor paused it has no such clock: by everything that it can read, no time has passed, so it goes on in the middle
of its act with a lease that it takes for its own. Only the fences of the store and of the BMC are left. So a worker of the
lab may run on this loop and this clock: a pulse every fifth of a second notes the time, and a gap of more than two
seconds between two looks at the clock was a pause, which is taken off for good.
"""

import asyncio
import time
from datetime import datetime, timedelta

from workflows.engine.ports import Clock

_PULSE = 0.2
_GAP = 2.0


class StandingLoop(asyncio.SelectorEventLoop):
    """An event loop on the clock of a process that doesn't notice its pauses. ``lost`` is what it has missed, in seconds."""

    def __init__(self) -> None:
        self.lost = 0.0
        self._seen = time.monotonic()
        super().__init__()

    def time(self) -> float:
        """Seconds; never more than those that the process lived through."""
        now = time.monotonic()
        if now - self._seen > _GAP:
            self.lost += now - self._seen
        self._seen = now
        return now - self.lost

    async def pulse(self) -> None:
        """Look at the clock often enough that only a pause is a gap, for ever."""
        while True:  # noqa: ASYNC110 - the wake-up itself is the point
            await asyncio.sleep(_PULSE)


class StandingClock:
    """Implements ``ports.Clock``: the server's time, late by all that the loop has missed."""

    def __init__(self, inner: Clock, loop: StandingLoop):
        self._inner, self._loop = inner, loop

    def now(self) -> datetime:
        """The server's time as this process believes it."""
        self._loop.time()
        return self._inner.now() - timedelta(seconds=self._loop.lost)

    async def sleep(self, delay: timedelta) -> None:
        """Wait."""
        await asyncio.sleep(delay.total_seconds())
