"""One throwaway NetBox on loopback: private PostgreSQL and Redis on Unix sockets, web and webhook worker in one import.

Theory of operation. Everything runs under one child, ``supervisor.py``, which holds one end of a pipe to us. When we
close it, or die in any way, the supervisor ends its processes and removes its directory; if it is killed itself, the
kernel's parent-death signal ends them. Importing NetBox takes 8-10 s, so it is done once; ``reset`` drops the database
and makes it anew from a template (0.3 s) and empties Redis database 1, the cache. Each takes a line on that pipe.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.netbox.install import Installation
from workflows.model.errors import Refused, Unreachable, Unsupported

_HERE = Path(__file__).parent
_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
ADMIN = "admin"


def missing() -> str:
    """What this machine lacks to run a NetBox, as one sentence; empty where nothing is missing."""
    lacks = [] if _POSTGRES else ["postgresql"]
    lacks += [] if shutil.which("redis-server") else ["redis-server"]
    return f"a throwaway NetBox needs Debian's {' and '.join(lacks)}" if lacks else ""


@dataclass(frozen=True, slots=True)
class NetBoxServer:
    """A running NetBox. ``token`` is the superuser's; ``database`` a libpq connection string of its own database."""

    url: str
    token: str
    database: str
    _process: asyncio.subprocess.Process

    async def reset(self) -> None:
        """An empty NetBox again: the database as it was at the start, the cache and the queued webhooks gone.

        Raises:
            Refused: the supervisor is gone or could not do it.
        """
        await self._ask("reset")

    async def log(self) -> str:
        """The last 4,000 characters of what NetBox and its worker printed."""
        return str((await self._ask("log"))["log"])

    async def _ask(self, verb: str) -> dict[str, object]:
        assert self._process.stdin is not None
        self._process.stdin.write(verb.encode() + b"\n")
        await self._process.stdin.drain()
        return await _answer(self._process, 60)


@asynccontextmanager
async def serve(installation: Installation, *, dump: Path | None = None) -> AsyncIterator[NetBoxServer]:
    """Start a NetBox (10-40 s) from an empty migrated dump, end it and all that belongs to it afterwards.

    Raises:
        Unsupported: PostgreSQL or Redis isn't installed.
        Unreachable: it wasn't up after two minutes; the message holds its last lines.
    """
    if missing():
        raise Unsupported(missing())
    empty = dump or _HERE / f"empty-{installation.version}.sql.gz"
    directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="netbox-"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(_HERE / "supervisor.py"), str(directory), str(installation.python), str(empty), str(_POSTGRES[-1])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        ready = await _answer(process, 120)
        yield NetBoxServer(str(ready["url"]), str(ready["token"]), str(ready["database"]), process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


async def _answer(process: asyncio.subprocess.Process, seconds: float) -> dict[str, object]:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), seconds)
    except TimeoutError:
        raise Unreachable(f"the throwaway NetBox gave no answer in {seconds:.0f} s") from None
    if not line:
        raise Unreachable("the supervisor of the throwaway NetBox ended without an answer")
    answer: dict[str, object] = json.loads(line)
    if "error" in answer:
        raise Refused(f"the throwaway NetBox failed: {answer['error']}")
    return answer
