"""The worker's side of the supervisor: start it, give it one job, hand its lines on, end it on cancel."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from workflows.drivers.ansible import supervisor
from workflows.model.errors import Transient
from workflows.model.record import Json

_PROGRAM = Path(supervisor.__file__)
_MAX_LINE = 4 << 20
_GRACE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Job:
    """One job: files of its private directory by relative name, what to run, and which files to bring back.

    ``directory`` is made and removed by the supervisor. ``run`` is ``{"argv": […]}`` or ``{"playbook": …, "project": …,
    "environment": {…}}``; ``send`` are glob patterns in the directory; a file longer than ``max_bytes`` is cut.
    ``archives`` are zips to make there: by name, the packages in it and the directory of each.
    """

    directory: Path
    files: dict[str, str]
    run: dict[str, Json]
    send: tuple[str, ...]
    timeout: timedelta
    max_bytes: int = 1 << 20
    archives: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Ended:
    """How the job ended: ``code`` is the exit status, negative for a signal; ``files`` by name."""

    code: int
    files: dict[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A file as text; empty where there is none."""
        return self.files.get(name, b"").decode(errors="replace")


def private_directory() -> Path:
    """A name that nobody else has; short, because it holds the path of a Unix socket."""
    return Path(tempfile.gettempdir()) / f"bringup-{secrets.token_hex(8)}"


async def supervise(
    job: Job, *, prefix: Sequence[str] = (), on_event: Callable[[dict[str, Json]], None] = lambda _event: None
) -> Ended:
    """Run the job. Cancelling the task kills all of its processes before the cancellation goes on.

    Raises:
        Transient: the deadline passed, or the supervisor died; everything was killed.
    """
    process = await _start(job, prefix)
    try:
        async with asyncio.timeout((job.timeout + _GRACE).total_seconds()):
            return await _follow(process, job, on_event)
    except (TimeoutError, ConnectionError):
        raise Transient(f"no end after {job.timeout}: its processes were killed; it is tried again") from None
    finally:
        await asyncio.shield(_end(process))


async def _start(job: Job, prefix: Sequence[str]) -> asyncio.subprocess.Process:
    argv = (*prefix, sys.executable, "-I", str(_PROGRAM))
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=_environment(job.directory),
            limit=_MAX_LINE,
        )
    except OSError as error:
        raise Transient(f"{argv[0]} could not be started: {error.strerror}; it is tried again") from None


async def _follow(process: asyncio.subprocess.Process, job: Job, on_event: Callable[[dict[str, Json]], None]) -> Ended:
    assert process.stdin is not None
    assert process.stdout is not None
    order = {
        "directory": str(job.directory),
        "files": job.files,
        "archives": job.archives,
        "seconds": job.timeout.total_seconds(),
        "send": list(job.send),
        "max_bytes": job.max_bytes,
        **job.run,
    }
    process.stdin.write(json.dumps(order).encode() + b"\n")
    await process.stdin.drain()
    files: dict[str, bytes] = {}
    async for raw in process.stdout:
        line = json.loads(raw)
        if "event" in line:
            on_event(line["event"])
        elif "file" in line:
            files[line["file"]] = files.get(line["file"], b"") + base64.b64decode(line["data"])
        elif line["end"]["why"] == "deadline":
            raise Transient(f"the deadline of {job.timeout} passed: its processes were killed; it is tried again")
        else:
            return Ended(line["end"]["code"], files)
    raise Transient("the supervisor ended without a result; it is tried again")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the pipe, which makes the supervisor kill all below it; kill its group if it doesn't end in time."""
    assert process.stdin is not None
    assert process.stdout is not None
    if not process.stdin.is_closing():
        process.stdin.transport.abort()
    try:
        async with asyncio.timeout(_GRACE.total_seconds()):
            while await process.stdout.read(1 << 16):
                pass
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _environment(home: Path) -> dict[str, str]:
    """Everything that the job may know of ours: the worker's own environment can hold secrets and is not handed on."""
    here = str(Path(sys.executable).parent)
    return {
        "PATH": f"{here}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
    }
