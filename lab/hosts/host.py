"""One lab host: a container with systemd as its first process, whose only network is its own loopback.

Theory of operation. podman runs inside process, mount and network namespaces that one ``unshare`` holds. That process
dies with whoever started it (``LabProcess``), its namespaces end with it, and so does everything in them: conmon, the
container, its writable layer. Nothing outside is left to clean up but empty cgroups. A host that reboots starts again on
the same layer, with what it had loaded gone. Ansible reaches it through ``prefix``, which enters its network.
"""

import asyncio
import json
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from boot.image.command import run
from lab.hosts.patience import SOON
from lab.hosts.rootfs import MIRROR
from lab.process import LabProcess
from workflows.drivers.ssh_key import new_key_pair
from workflows.engine.ports import Host

_START_SECONDS = 60.0
_SETTINGS = """\
[containers]
default_ulimits = ["nofile=1000:1000", "nproc=4000:4000"]
[engine]
runtime = "runc"
"""
# A machine that went down comes up again on what it has written; 125 and above up to 127 are podman's own failures.
_SCRIPT = """\
set -e
cd {at}
mount -t tmpfs layer layer
mkdir layer/upper layer/work layer/root
mount -t overlay host -o lowerdir={rootfs},upperdir=layer/upper,workdir=layer/work layer/root
mkdir -p layer/root/root/.ssh layer/root{mirror_there}
cp user.pub layer/root/root/.ssh/authorized_keys
cp host layer/root/etc/ssh/lab_host_key
ip link set lo up
ended=0
while [ $ended -lt 125 ] || [ $ended -gt 127 ]; do
    {podman} --cgroup-manager cgroupfs --hooks-dir {at}/hooks run --rm --name {name} --systemd=always --network=host \\
        --uts=private --hostname {name} --volume {mirror}:{mirror_there}:ro --rootfs {at}/layer/root /sbin/init \\
        && ended=0 || ended=$?
done
"""
# Runs in the container's mount namespace before its root is entered; podman mounts nothing below /proc by itself.
_HOOK = "#!/bin/sh\nexec mount -t tmpfs driver {at}/layer/root/proc/driver\n"


@dataclass(slots=True)
class LabHost:
    """A host of this name, running while the context is open. ``mirror`` is what it sees under ``/srv/mirror``."""

    name: str
    rootfs: Path
    mirror: Path
    key: str = ""
    host_key: str = ""
    _at: Path = Path()
    _process: LabProcess | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def reboot(self) -> None:
        """Pull its plug, and wait until it is up again."""
        inside = ("nsenter", "--target", str(self._inside()), "--mount", "--pid", "--")
        await asyncio.to_thread(run, [*inside, *_podman(self._at), "kill", "--signal", "KILL", self.name], timeout=SOON)
        assert self._process is not None
        await self._process.until(lambda: not self._listens(), f"lab host {self.name} going down", _START_SECONDS)
        await self._process.until(self._listens, f"lab host {self.name}", _START_SECONDS)

    @property
    def prefix(self) -> tuple[str, ...]:
        """Before a command on this machine that shall see the host's network."""
        return ("nsenter", "--target", str(self._inside()), "--net", "--")

    @property
    def host(self) -> Host:
        """The host as the Ansible driver reaches it with ``prefix``."""
        return Host(node=f"lab.{self.name}", name=self.name, address="127.0.0.1", host_key=self.host_key)

    async def __aenter__(self) -> Self:
        # Short: podman takes no run directory whose name has more than 50 characters.
        self._at = at = Path(tempfile.mkdtemp(prefix="host-"))
        self._stack.callback(shutil.rmtree, at)
        self.key, public = new_key_pair()
        private, self.host_key = new_key_pair()
        (at / "user.pub").write_text(f"{public}\n")
        (at / "host").touch(mode=0o600)
        (at / "host").write_text(private)
        (at / "layer").mkdir()
        (at / "containers.conf").write_text(_SETTINGS)
        _write_hook(at)
        script = at / "run.sh"
        script.write_text(
            _SCRIPT.format(
                at=at,
                rootfs=self.rootfs,
                mirror=self.mirror,
                mirror_there=MIRROR,
                name=self.name,
                podman=" ".join(_podman(at)),
            )
        )
        self._process = await LabProcess.start(
            ("env", f"CONTAINERS_CONF={at}/containers.conf", *_NAMESPACES, "sh", str(script)),
            output=at / "out",
            cwd=at,
        )
        self._stack.push_async_callback(self._process.end)
        await self._process.until(self._listens, f"lab host {self.name}", _START_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _listens(self) -> bool:
        """Whether its sshd does."""
        try:
            listening = Path(f"/proc/{self._inside()}/net/tcp").read_text()
        except (OSError, ValueError):
            return False
        return "0100007F:0016 00000000:0000 0A" in listening

    def _inside(self) -> int:
        """The first process in the host's namespaces. Raises ValueError where there is none yet."""
        assert self._process is not None
        pid = self._process.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


_NAMESPACES = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc")


def _podman(at: Path) -> tuple[str, ...]:
    return ("podman", "--root", f"{at}/layer/store", "--runroot", f"{at}/layer/run", "--storage-driver", "overlay")


def _write_hook(at: Path) -> None:
    program = at / "hook.sh"
    program.write_text(_HOOK.format(at=at))
    program.chmod(0o755)
    hook = {"version": "1.0.0", "hook": {"path": str(program)}, "when": {"always": True}, "stages": ["createContainer"]}
    (at / "hooks").mkdir()
    (at / "hooks" / "driver.json").write_text(json.dumps(hook))
