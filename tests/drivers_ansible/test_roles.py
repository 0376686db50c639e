"""The role ``base`` on a throwaway copy of this host: its own mounts and host name over a writable layer, and an sshd."""

import os
import shutil
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.drivers_ansible.sshd import Logged, OneKey, Sshd, start_sshd
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.model.record import Json

pytestmark = pytest.mark.real
_CHECKOUT = Path(__file__).resolve().parents[2]
_LONG = timedelta(minutes=3)
_SWAPPINESS = Path("/proc/sys/vm/swappiness")
_SYSCTL = Path("/etc/sysctl.d/90-bringup.conf")

_COPY = """
set -e
mount -t tmpfs layer {layer}
mkdir {layer}/upper {layer}/work {layer}/root
mount -t overlay copy -o lowerdir=/,upperdir={layer}/upper,workdir={layer}/work {layer}/root
mount --rbind /dev {layer}/root/dev
mount -t proc proc {layer}/root/proc
mkdir -p {layer}/root/run/sshd
exec chroot {layer}/root "$@"
"""


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Sshd]:
    """The copy's sshd; all of it ends with the process."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root for mounts of its own")
    (tmp_path / "sshd").mkdir()
    (tmp_path / "layer").mkdir()
    script = tmp_path / "copy.sh"
    script.write_text(_COPY.format(layer=tmp_path / "layer"))
    prefix = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh", str(script))
    server = await start_sshd(tmp_path / "sshd", prefix)
    yield server
    await server.process.end()


@pytest.fixture
def driver(copy: Sshd) -> AnsibleDriver:
    """With the roles as shipped."""
    return AnsibleDriver(Logged(), OneKey(copy.key), _CHECKOUT / "roles", _CHECKOUT / "burn_in" / "probes")  # type: ignore[arg-type]


@pytest.fixture
def swappiness() -> str:
    """A kernel setting as it stands: the copy shares this host's kernel, so setting it changes nothing."""
    return _SWAPPINESS.read_text().strip()


def _untouched() -> bool:
    return not _SYSCTL.exists()


async def test_base_sets_up_once_and_then_only_repairs(driver: AnsibleDriver, copy: Sshd, swappiness: str) -> None:
    """What it promises is there; a second run repairs the one file that was damaged and changes nothing else."""
    variables: dict[str, Json] = {
        "bringup_roles": ["base"],
        "bringup_hostname": "GPU-001.rno1.example.com",
        "bringup_mounts": [],
        "base_sysctl": {"vm.swappiness": swappiness},
    }

    async def play() -> int:
        result = await driver.play(copy.host, "site.yml", variables, run="r", step="configure", timeout=_LONG)
        assert result.ok, result.failed
        return result.changed

    async def shell(*command: str) -> str:
        return await driver.shell(copy.host, command, timeout=_LONG)

    assert await play() > 0
    assert (await shell("hostname")).strip() == "gpu-001.rno1.example.com"
    assert "bringup" in await shell("getent", "passwd", "bringup")
    assert "memlock unlimited" in await shell("cat", "/etc/security/limits.d/90-bringup.conf")
    assert f"vm.swappiness = {swappiness}" in await shell("cat", "/etc/sysctl.d/90-bringup.conf")
    assert 'Unattended-Upgrade "0"' in await shell("apt-config", "dump")
    await shell("rm", "/etc/security/limits.d/90-bringup.conf")
    assert await play() == 1
    assert socket.gethostname() != "gpu-001.rno1.example.com"
    assert _untouched(), "the copy is not this host"


async def test_mount_with_a_second_line_is_refused(driver: AnsibleDriver, copy: Sshd) -> None:
    """Text of the inventory can't write other lines into a unit."""
    mount: Json = {"target": "/data", "source": "10.0.0.1:/data\n[Unit]", "fstype": "nfs", "options": ["rw"]}
    variables: dict[str, Json] = {"bringup_roles": ["storage_mounts"], "bringup_mounts": [mount]}
    result = await driver.play(copy.host, "site.yml", variables, run="r", step="configure", timeout=_LONG)
    assert not result.ok
    assert "control characters" in result.failed


async def test_wrong_variable_is_refused_before_anything_changes(driver: AnsibleDriver, copy: Sshd) -> None:
    """The role's own specification says what it takes."""
    variables: dict[str, Json] = {"bringup_roles": ["storage_mounts"], "bringup_mounts": [{"target": "/data"}]}
    result = await driver.play(copy.host, "site.yml", variables, run="r", step="configure", timeout=_LONG)
    assert not result.ok
    assert "missing required arguments" in result.failed
    assert result.changed == 0
