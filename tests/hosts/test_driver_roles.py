"""The driver and Fabric Manager on a Debian 12 host with systemd, from a signed mirror: what a fleet lives through."""

from pathlib import Path

import pytest

from lab.hosts.host import LabHost
from lab.hosts.mirror import SigningKey, end_signing_key, make_signing_key, sign_repository
from tests.hosts.node import Node

pytestmark = pytest.mark.real

OLD, NEW, BRANCH = "580.95.05", "580.105.08", "570.172.08"
_OPEN = ("nvidia-driver-cuda", "nvidia-fabricmanager", "nvidia-kernel-open-dkms", "nvidia-open", "nvidia-persistenced")
_DUE = "cat /run/bringup/reboot-due/* 2> /dev/null || :"
_DAMAGE = {
    "rm /etc/modprobe.d/blacklist-nouveau.conf": "Keep nouveau out",
    "echo '# no more' > /etc/apt/preferences.d/bringup-nvidia-open.pref": "Keep the version",
    "echo '# no more' > /etc/apt/sources.list.d/bringup-cuda.sources": "Name the repository",
    "echo nothing > /etc/apt/keyrings/bringup-cuda.asc": "Trust it",
    "systemctl disable nvidia-persistenced": "Start the persistence daemon with each boot",
    "systemctl disable nvidia-fabricmanager": "Start it with each boot",
    "dpkg --remove --force-depends nvidia-open": "Bring each package to its version",
    "rm /lib/modules/$(uname -r)/updates/dkms/nvidia.ko": "Build what is missing",
}


@pytest.fixture
def node(lab_host: LabHost, lab_key: SigningKey) -> Node:
    """A host of an HGX release."""
    return Node(lab_host, lab_key, ("nvidia_driver", "fabric_manager"))


async def test_a_node_gets_exactly_one_version_and_a_second_run_changes_nothing_until_something_is_damaged(
    node: Node,
) -> None:
    """The newest version of the mirror is not what it takes; the kernel runs the driver after a boot; damage is repaired."""
    await node.converge(nvidia_driver_version=OLD)
    assert await node.versions() == dict.fromkeys(_OPEN, f"{OLD}-1")
    assert f"driver {OLD}" in await node.shell(_DUE)
    assert "nouveau" in await node.shell("cat /boot/lab-initramfs")
    assert "modprobe nvidia" not in (await node.shell("sed 1d /var/log/lab-calls")), "a role never loads a module"
    assert await node.converge(nvidia_driver_version=OLD) == ()
    await node.lab.reboot()
    assert (await node.shell("nvidia-smi; systemctl is-active nvidia-fabricmanager")).split() == [OLD, "active"]
    for damage in _DAMAGE:
        await node.shell(damage)
    repaired = await node.converge(nvidia_driver_version=OLD)
    assert set(_DAMAGE.values()) <= set(repaired)
    assert (await node.shell("nvidia-smi")).strip() == OLD
    assert await node.shell(_DUE) == ""


async def test_what_can_not_be_trusted_or_built_is_refused_with_a_sentence(node: Node, lab_mirror: Path) -> None:
    """Another's key, a signature by nobody that is known, a Fabric Manager of another version, a kernel of tomorrow."""
    stranger = make_signing_key(node.key.home.with_name("stranger"), "A stranger")
    try:
        (lab_mirror / "cuda" / "key.asc").write_text(stranger.public)
        refused = await node.play(nvidia_driver_version=OLD)
        assert stranger.fingerprint in refused.failed
        assert "nothing was trusted" in refused.failed
        assert (await node.shell("ls /etc/apt/keyrings")).split() == ["bringup-cuda.asc.new"]
        (lab_mirror / "cuda" / "key.asc").write_text(node.key.public)
        sign_repository(lab_mirror / "cuda", stranger)
        refused = await node.play(nvidia_driver_version=OLD)
        assert "NO_PUBKEY" in refused.failed
    finally:
        end_signing_key(stranger)
    refused = await node.play(nvidia_driver_version=OLD, fabric_manager_version=NEW, bringup_roles=["fabric_manager"])
    assert f"Fabric Manager {NEW} was asked for beside driver {OLD}" in refused.failed
    await node.shell("touch /boot/vmlinuz-99.1.0-1-amd64")
    refused = await node.play(nvidia_driver_version=OLD)
    assert "99.1.0-1-amd64 is installed and newer" in refused.failed
    assert await node.versions() == {}


@pytest.mark.long
async def test_upgrade_downgrade_and_change_of_branch_leave_one_version(node: Node) -> None:
    """All parts follow up and down, Fabric Manager by its other name too; the kernel runs the old one until it boots."""
    await node.converge(nvidia_driver_version=OLD)
    await node.lab.reboot()
    for version, manager in ((NEW, ""), (OLD, ""), (BRANCH, "-570"), (NEW, "")):
        await node.converge(nvidia_driver_version=version)
        names = {n.replace("fabricmanager", f"fabricmanager{manager}") for n in _OPEN}
        assert await node.versions() == dict.fromkeys(names, f"{version}-1")
        due = await node.shell(_DUE)
        assert (f"driver {version}" in due) == (version != OLD)
        assert await node.converge(nvidia_driver_version=version) == ()
    await node.lab.reboot()
    assert (await node.shell("nvidia-smi")).strip() == NEW


@pytest.mark.long
async def test_the_other_kernel_modules_replace_these(node: Node) -> None:
    """Both sets never stand beside each other, and what the kernel was built is of the set that was asked for."""
    for modules, licence in (("open", "Dual MIT/GPL"), ("proprietary", "NVIDIA"), ("open", "Dual MIT/GPL")):
        await node.converge(nvidia_driver_version=NEW, nvidia_driver_modules=modules)
        assert (await node.shell("modinfo -F license nvidia")).strip() == licence
        assert await node.converge(nvidia_driver_version=NEW, nvidia_driver_modules=modules) == ()


@pytest.mark.long
async def test_a_half_installed_package_is_healed(node: Node) -> None:
    """As a power cut in mid-installation leaves it: unpacked, and not configured."""
    await node.converge(nvidia_driver_version=OLD)
    await node.shell("dpkg --force-all --unpack /srv/mirror/cuda/nvidia-persistenced_580.105.08-1_amd64.deb")
    await node.converge(nvidia_driver_version=OLD)
    assert await node.versions() == dict.fromkeys(_OPEN, f"{OLD}-1")


@pytest.mark.long
async def test_a_mirror_that_is_down_matters_only_to_who_needs_it(node: Node, lab_mirror: Path) -> None:
    """A node that is as it should be isn't touched; one that needs a package is told what doesn't answer."""
    await node.converge(nvidia_driver_version=OLD)
    (lab_mirror / "cuda").rename(lab_mirror / "away")
    assert await node.converge(nvidia_driver_version=OLD) == ()
    refused = await node.play(nvidia_driver_version=NEW)
    assert "/srv/mirror/cuda" in refused.failed
    assert await node.versions() == dict.fromkeys(_OPEN, f"{OLD}-1")
