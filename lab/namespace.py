"""A network namespace without a name: a holder process keeps it, and dies with us, so a killed lab leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from workflows.model.errors import Refused

#: Makes a child die with the thread that started it; the event loop's thread, which lives as long as the process.
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace; ``holder`` is the process that keeps it."""

    holder: int

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command to run it in the namespace."""
        return ("nsenter", f"--net=/proc/{self.holder}/ns/net", "--")

    def inside(self, *argv: str) -> list[str]:
        """The command to run in the namespace; it dies with the thread that starts it."""
        return [*WITH_US, *self.prefix, *argv]


@asynccontextmanager
async def namespace() -> AsyncIterator[Namespace]:
    """A new one, empty, gone with the block.

    Raises:
        Refused: not root, or a kernel without network namespaces.
    """
    holder = await asyncio.create_subprocess_exec(
        *WITH_US, "unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        if await holder.stdout.readline() != b"ready\n":
            raise Refused("no network namespace could be made: this lab needs root")
        yield Namespace(holder.pid)
    finally:
        holder.kill()
        await holder.wait()


async def ip(lines: Sequence[str], within: Sequence[str] = ()) -> None:
    """Run lines of ``ip``'s batch language, here or behind a namespace's prefix.

    Raises:
        Refused: one of them failed; with its reason.
    """
    child = await asyncio.create_subprocess_exec(
        *within, "ip", "-batch", "-", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, error = await child.communicate("\n".join(lines).encode())
    if child.returncode != 0:
        raise Refused(f"ip ended with {child.returncode}: {error.decode(errors='replace').strip()[-400:]}")
