"""A long-running process of the lab: dies with us, is ended by its pid, and is known to be ready by what it writes."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_LOOK = 0.05
_EXIT_SECONDS = 10.0


@dataclass(slots=True)
class LabProcess:
    """One process with a session of its own, its output in a file."""

    process: asyncio.subprocess.Process
    output: Path

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, output: Path, cwd: Path, stdin: int | None = None, pass_fds: Sequence[int] = ()
    ) -> Self:
        """Start it. It gets SIGKILL when the thread that starts it ends: start from the main one.

        ``output`` grows over restarts; ``pass_fds`` are open files that the process gets under the same numbers.
        """
        with output.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                "setpriv",
                "--pdeathsig",
                "KILL",
                "--",
                *argv,
                stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
                stdout=file,
                stderr=file,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        return cls(process, output)

    async def until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until ``ready`` holds.

        Raises:
            RuntimeError: it ended, or was not ready in time; with the end of its output.
        """
        try:
            async with asyncio.timeout(seconds):
                while not ready():
                    if self.process.returncode is not None:
                        raise RuntimeError(f"{what} ended with {self.process.returncode}: {self.tail()}")
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise RuntimeError(f"{what} was not ready within {seconds:g} s: {self.tail()}") from None

    def tail(self) -> str:
        """The end of its output."""
        return self.output.read_text(errors="replace")[-500:]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to its whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    async def end(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = _EXIT_SECONDS) -> None:
        """End it and wait; what doesn't end by itself within ``seconds`` is killed."""
        if self.process.returncode is not None:
            return
        self.send(number)
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.process.wait()
