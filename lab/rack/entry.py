"""The way into an installed system: what an SSH server is to a real machine, on a Unix socket that only its owner opens.

Theory of operation. ``lab/rack/ssh_client.py`` stands in for the ssh binary, so the worker's real Ansible reaches a
simulated machine with the arguments, key and known host that it would use for a real one. The machine shows its host key
first; the client compares, then shows the public half of its key and the command; the machine looks it up in
``authorized_keys`` and runs the command in a session of its own, with home and first ``PATH`` entry inside the machine's
folder. Power off ends all of them.

It is no container: a command can reach the host's files. Absolute paths that bringup's own commands use are mapped into
the machine's folder; the lab's roles write below the home directory only.

Wire: two JSON lines (host key; key, user and command), then stdin as it comes; back go frames of one byte (1 stdout,
2 stderr, 3 exit status), a length of four bytes, and the data.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import struct
from dataclasses import dataclass, field
from pathlib import Path

from lab.rack.counts import Counts
from lab.rack.host_key import NAME

_MAPPED = re.compile(
    r"(?<![\w./-])(?P<path>/etc/bringup|/proc/sys/kernel/random/boot_id|/usr/local/lib/bringup|/var/lib/bringup)(?![\w-])"
)
_HOME = re.compile(r"(?<![\w./-])~root\b")
_MODULE = re.compile(rb"AnsiballZ|ANSIBALLZ")
_MAX_LINE = 1 << 20
_BLOCK = 1 << 16


@dataclass(slots=True)
class Entry:
    """Serves one installed system; ``root`` is its file system, ``socket`` where it answers."""

    root: Path
    socket: Path
    counts: Counts
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Answer from now on."""
        self.socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self.socket, limit=_MAX_LINE)

    async def close(self) -> None:
        """Stop answering and kill what runs: the power is gone."""
        if self._server is not None:
            self._server.close()
        self.socket.unlink(missing_ok=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # the client is gone, or no client of ours, or the power is gone; this task has no caller to tell
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        public = (self.root / "etc/ssh" / f"{NAME}.pub").read_text().strip()
        writer.write(json.dumps({"host_key": public}).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
        if not line:
            return  # the client didn't like the host key
        asked = json.loads(line)
        if asked["key"] not in (self.root / "root/.ssh/authorized_keys").read_text().split():
            _frame(writer, 2, f"{asked['user']}: Permission denied (publickey).\n".encode())
            _frame(writer, 3, struct.pack(">i", 255))
            await writer.drain()
            return
        await self._run(str(asked["command"]), reader, writer)

    async def _run(self, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.commands += 1
        home = self.root / "root"
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", self._mapped(command)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=home,
            env={"HOME": str(home), "PATH": f"{self.root}/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        feeding = asyncio.create_task(
            self._feed(reader, process.stdin, module=_MODULE.search(command.encode()) is not None)
        )
        try:
            await asyncio.gather(_pump(process.stdout, writer, 1), _pump(process.stderr, writer, 2))
            _frame(writer, 3, struct.pack(">i", await process.wait()))
            await writer.drain()
        finally:
            feeding.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())
            await asyncio.gather(feeding, return_exceptions=True)

    async def _feed(self, reader: asyncio.StreamReader, stdin: asyncio.StreamWriter, *, module: bool) -> None:
        try:
            while data := await reader.read(_BLOCK):
                module = module or _MODULE.search(data) is not None
                stdin.write(data)
                await stdin.drain()
        finally:
            self.counts.modules += module
            stdin.close()

    def _mapped(self, command: str) -> str:
        command = _HOME.sub(f"{self.root}/root", command)
        return _MAPPED.sub(lambda found: f"{self.root}{found['path']}", command)


async def _pump(source: asyncio.StreamReader, writer: asyncio.StreamWriter, channel: int) -> None:
    while data := await source.read(_BLOCK):
        _frame(writer, channel, data)
        await writer.drain()


def _frame(writer: asyncio.StreamWriter, channel: int, data: bytes) -> None:
    writer.write(struct.pack(">BI", channel, len(data)) + data)
