"""Counts a machine's POSTs by QEMU's own word: each start, and each ``RESET`` event of its monitor.

Source: QEMU's QMP reference, *RESET*: emitted when the virtual machine is reset, by its guest or by us. A kexec is none:
the guest's kernel starts another without the firmware. SeaBIOS answers a guest's reset by resets of its own, within
milliseconds of each other (its ``resume.c``, ``tryReboot``): what comes so soon after another is the same POST.
"""

import asyncio
import json
from pathlib import Path

from lab.qemu import qmp

#: No POST is over sooner than this after it began.
_SAME_POST_SECONDS = 1.0


class PostCounter:
    """Listens on a monitor of its own, for a QEMU monitor serves one client at a time."""

    def __init__(self, monitor: Path):
        self.monitor = monitor
        self.count = 0
        self._last_reset = 0.0
        self._listening: asyncio.Task[None] | None = None

    async def started(self) -> None:
        """QEMU has been started, still stopped before its first instruction: count it, and listen until it ends.

        Raises:
            Unreachable: no QEMU answers on the monitor.
        """
        self.count += 1
        reader, writer = await qmp.connect(self.monitor)
        self._listening = asyncio.create_task(self._listen(reader, writer))

    async def ended(self) -> None:
        """QEMU has ended; what it said last has been counted when this returns."""
        if self._listening is not None:
            await self._listening

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                said = json.loads(line)
                if said.get("event") == "RESET":
                    self._reset(said["timestamp"]["seconds"] + said["timestamp"]["microseconds"] / 1e6)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _reset(self, at: float) -> None:
        self.count += at - self._last_reset > _SAME_POST_SECONDS
        self._last_reset = at
