"""An NFS server without a kernel module: nfs-ganesha on a port of its own, serving one directory as ``/data``."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.process import LabProcess

EXPORT = "/data"
_START_SECONDS = 30.0


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class NfsServer:
    """Use as an asynchronous context manager. ``address`` is what it binds; ``prefix`` e.g. ``ip netns exec NAME``.

    ``directory`` holds its configuration, log and recovery state; ``exported`` is what clients see.
    """

    directory: Path
    exported: Path
    port: int
    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()
    _process: LabProcess | None = None

    async def __aenter__(self) -> Self:
        log, recovery = self.directory / "ganesha.log", self.directory / "recovery"
        recovery.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        configuration = self.directory / "ganesha.conf"
        configuration.write_text(_configuration(self.exported, recovery, self.address, self.port))
        argv = (*self.prefix, "ganesha.nfsd", "-F", "-f", str(configuration), "-L", str(log))
        argv += ("-p", str(self.directory / "ganesha.pid"), "-N", "NIV_EVENT")
        self._process = await LabProcess.start(argv, output=self.directory / "ganesha.out", cwd=self.directory)
        try:
            await self._process.until(
                lambda: log.exists() and "NFS SERVER INITIALIZED" in log.read_text(errors="replace"),
                "ganesha.nfsd",
                _START_SECONDS,
            )
        except BaseException:
            await self._process.end()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._process is not None:
            self._process.send(signal.SIGCONT)
            await self._process.end()

    def freeze(self) -> None:
        """Stop answering, as a hung server does."""
        if self._process is not None:
            self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again."""
        if self._process is not None:
            self._process.send(signal.SIGCONT)


def _configuration(exported: Path, recovery: Path, address: str, port: int) -> str:
    return f"""
NFS_CORE_PARAM {{
    NFS_Protocols = 4;
    NFS_Port = {port};
    Bind_addr = {address};
    Enable_NLM = false;
    Enable_RQUOTA = false;
}}
NFSV4 {{
    Graceless = true;
    RecoveryBackend = fs;
    RecoveryRoot = {recovery};
}}
EXPORT {{
    Export_Id = 1;
    Path = {exported};
    Pseudo = {EXPORT};
    Access_Type = RW;
    Squash = No_root_squash;
    Protocols = 4;
    SecType = sys;
    FSAL {{ Name = VFS; }}
}}
"""
