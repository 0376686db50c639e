"""The project's own services as a site runs them: each a process of its own, which tests kill and start again."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.process import LabProcess
from workflows.model.errors import Refused

_STOP_SECONDS = 15.0


@dataclass(slots=True)
class Services:
    """``sync``, ``boot`` and ``worker`` by the site's configuration. ``directory`` keeps a log of each, over restarts.

    ``sockets`` are bound listeners that ``boot`` takes over: with them a restart loses no connection attempt.
    """

    directory: Path
    config: Path
    sockets: Sequence[int]
    running: dict[str, LabProcess] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        """Start one."""
        self.running[name] = await LabProcess.start(
            (*self._command(), name, "--verbose"),
            output=self.directory / f"{name}.log",
            cwd=self.directory,
            pass_fds=self.sockets if name == "boot" else (),
        )

    async def kill(self, name: str) -> None:
        """``kill -9`` of one, the process alone: what it leaves behind must end by itself."""
        process = self.running.pop(name).process
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        """End all in order."""
        await asyncio.gather(*(service.end(seconds=_STOP_SECONDS) for service in self.running.values()))

    def check(self) -> None:
        """See that all still run.

        Raises:
            Refused: one ended by itself; with its last words.
        """
        for name, service in self.running.items():
            if service.process.returncode is not None:
                raise Refused(f"bringup {name} ended with {service.process.returncode}: {service.tail()}")

    async def cli(self, who: str, *arguments: str) -> str:
        """What a command of ours prints to this person, both outputs together."""
        process = await asyncio.create_subprocess_exec(
            "env",
            f"BRINGUP_USER={who}",
            *self._command(),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return (await process.communicate())[0].decode(errors="replace")

    def _command(self) -> tuple[str, ...]:
        return (sys.executable, "-m", "app", "--config", str(self.config))
