"""One throwaway NetBox on loopback: private PostgreSQL and Redis on Unix sockets, web and webhook worker in one import.

Theory of operation. Everything runs under one child, ``supervisor.py``, which holds one end of a pipe to us. When we
close it, or die in any way, the supervisor ends its processes and removes its directory; if it is killed itself, the
kernel's parent-death signal ends them. Importing NetBox takes 8-10 s, so it is done once; ``reset`` drops the database
and makes it anew from a template (0.3 s) and empties Redis database 1, the cache. Each takes a line on that pipe.

All of it blocks and belongs to no event loop, so that one NetBox serves the tests of a whole session.
"""

import json
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.netbox.install import Installation
from workflows.model.errors import Refused, Unreachable, Unsupported

_HERE = Path(__file__).parent
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
ADMIN = "admin"


def missing() -> str:
    """What this machine lacks to run a NetBox, as one sentence; empty where nothing is missing."""
    lacks = [] if POSTGRES else ["postgresql"]
    lacks += [] if shutil.which("redis-server") else ["redis-server"]
    return f"a throwaway NetBox needs Debian's {' and '.join(lacks)}" if lacks else ""


@dataclass(frozen=True, slots=True)
class NetBoxServer:
    """A running NetBox. ``token`` is the superuser's (``admin``); ``database`` a libpq connection string."""

    url: str
    token: str
    database: str
    process: "subprocess.Popen[bytes]"

    def reset(self, name: str | None = None) -> None:
        """An empty NetBox again, or as it was at ``keep(name)``; the cache and the queued webhooks are gone (0.3 s).

        Raises:
            Refused: the supervisor could not do it.
            Unreachable: the supervisor is gone.
        """
        self._ask(f"reset {name}" if name else "reset")

    def keep(self, name: str) -> None:
        """Keep the database as it is now under a name (``[a-z]+``) that ``reset`` takes. Raises as ``reset`` does."""
        self._ask(f"keep {name}")

    def log(self) -> str:
        """The last 4,000 characters of what NetBox and its worker printed."""
        return self._ask("log")["log"]

    def _ask(self, verb: str) -> dict[str, str]:
        assert self.process.stdin is not None
        self.process.stdin.write(verb.encode() + b"\n")
        self.process.stdin.flush()
        return _answer(self.process, 60)


@contextmanager
def serve(installation: Installation, *, dump: Path | None = None) -> Iterator[NetBoxServer]:
    """Start a NetBox (10-40 s) from an empty migrated dump, end it and all that belongs to it afterwards.

    Raises:
        Unsupported: PostgreSQL or Redis isn't installed.
        Refused: it ended while it was being started; the message holds its last lines.
        Unreachable: it wasn't up after two minutes.
    """
    if missing():
        raise Unsupported(missing())
    empty = dump or _HERE / f"empty-{installation.version}.sql.gz"
    directory = tempfile.mkdtemp(prefix="netbox-")
    arguments = (directory, installation.python, empty, POSTGRES[-1])
    process = subprocess.Popen(
        [sys.executable, _HERE / "supervisor.py", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield NetBoxServer(**_answer(process, 120), process=process)
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        shutil.rmtree(directory, ignore_errors=True)


def _answer(process: "subprocess.Popen[bytes]", seconds: float) -> dict[str, str]:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    if not ready:
        raise Unreachable(f"the throwaway NetBox gave no answer in {seconds:.0f} s")
    line = process.stdout.readline()
    if not line:
        raise Unreachable("the supervisor of the throwaway NetBox ended without an answer")
    answer: dict[str, str] = json.loads(line)
    if "error" in answer:
        raise Refused(f"the throwaway NetBox failed: {answer['error']}")
    return answer
