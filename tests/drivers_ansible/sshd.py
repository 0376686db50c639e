"""A throwaway sshd on a free port of loopback, with its own host key and one key that it lets in."""

import asyncio
import getpass
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.nfs import free_port
from lab.process import LabProcess
from workflows.engine.ports import Host
from workflows.model.errors import Refused

_SEPARATION = Path("/run/sshd")
"""sshd refuses to start as root without it."""


@dataclass(slots=True)
class Sshd:
    """A running server and what one needs to reach it."""

    host: Host
    key: str
    process: LabProcess


def make_key(path: Path) -> tuple[str, str]:
    """A fresh ed25519 key: private, public."""
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)), check=True)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


async def start_sshd(directory: Path, prefix: Sequence[str] = ()) -> Sshd:
    """Start it and wait until it listens. ``prefix`` goes before it: where it lives."""
    host_key = directory / "host"
    _, public = await asyncio.to_thread(make_key, host_key)
    private, allowed = await asyncio.to_thread(make_key, directory / "user")
    (directory / "allowed").write_text(allowed + "\n")
    port = free_port()
    settings = directory / "sshd_config"
    settings.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nAuthorizedKeysFile {directory}/allowed\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n"
        "Subsystem sftp internal-sftp\nLogLevel VERBOSE\n"
    )
    await asyncio.to_thread(_SEPARATION.mkdir, exist_ok=True)
    process = await LabProcess.start(
        (*prefix, "/usr/sbin/sshd", "-D", "-e", "-f", str(settings)), output=directory / "sshd.out", cwd=directory
    )
    await process.until(lambda: "Server listening" in process.tail(), "sshd", 20)
    host = Host(
        node="lab.nb-1", name="gpu-001", address="127.0.0.1", host_key=public, user=getpass.getuser(), port=port
    )
    return Sshd(host, private, process)


@dataclass(slots=True)
class Logged:
    """The bus, as far as a driver uses it."""

    lines: list[tuple[str, str, bytes]] = field(default_factory=list)

    def log(self, run: str, step: str, line: bytes) -> None:
        """Keep the line."""
        self.lines.append((run, step, line))


@dataclass(frozen=True, slots=True)
class OneKey:
    """Secrets with one key in them."""

    key: str

    def get(self, reference: str) -> dict[str, str]:
        """The key."""
        if reference != "ssh/bringup":
            raise Refused(f"no secret {reference}")
        return {"key": self.key}


def alive(pids: Sequence[int]) -> list[int]:
    """Those of the processes that are neither gone nor a zombie."""

    def lives(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return [pid for pid in pids if lives(pid)]
