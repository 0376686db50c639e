"""The root file system of a lab host: Debian with systemd, sshd and apt, from this machine's own apt settings; cached.

The kernel is this machine's, which gives no module away. So ``modprobe``, ``modinfo`` and ``update-initramfs`` are
stand-ins that write down each call; *loading* a module means that ``/proc/driver`` (a directory of the lab's) shows it.
"""

import hashlib
import os
import shutil
from pathlib import Path

from boot.image.build import alone, whole
from boot.image.command import run
from lab.hosts.patience import BUILDING, SOON
from workflows.model.errors import Refused

NEEDED = ("mmdebstrap", "podman", "runc")
#: Every call of a stand-in, one a line.
CALLS = "/var/log/lab-calls"
#: Where a host sees the mirror.
MIRROR = "/srv/mirror"
_SUITE = "bookworm"
_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "gpg"
)  # fmt: skip
_STAND_INS = Path(__file__).parent / "stand_ins"
_SSHD = "ListenAddress 127.0.0.1\nHostKey /etc/ssh/lab_host_key\nPermitRootLogin prohibit-password\nUsePAM no\n"
_UNIT = """\
[Unit]
Description=What udev does where there is hardware: load what was built for it
[Service]
Type=oneshot
ExecStart=-/usr/sbin/modprobe nvidia
[Install]
WantedBy=sysinit.target
"""


def host_rootfs(cache: Path) -> Path:
    """The root file system, built or taken from the cache. Blocks for about a minute when it builds.

    Raises:
        Refused: not root, or mmdebstrap is missing or failed.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(_STAND_INS.iterdir()):
        digest.update(file.read_bytes())
    directory = cache / f"host-{_SUITE}-{digest.hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with alone(cache):
        if not directory.exists():
            if os.geteuid() != 0:
                raise Refused("building a root file system needs root: run it with sudo")
            with whole(directory) as work:
                _build(work / "root")
    return directory / "root"


def _build(root: Path) -> None:
    include = f"--include={','.join(_PACKAGES)}"
    run(["mmdebstrap", "--variant=minbase", "--mode=root", include, _SUITE, root], timeout=BUILDING)
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    for sources in (root / "etc/apt/sources.list", *(root / "etc/apt/sources.list.d").iterdir()):
        sources.unlink(missing_ok=True)
    own = f"deb [signed-by={MIRROR}/key.asc] file:{MIRROR}/distribution ./\n"
    (root / "etc/apt/sources.list.d/distribution.list").write_text(own)
    (root / "etc/ssh/sshd_config.d/lab.conf").write_text(_SSHD)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "etc/systemd/system/lab-hardware.service").write_text(_UNIT)
    run(["chroot", root, "systemctl", "enable", "ssh.service", "lab-hardware.service"], timeout=SOON)
    (root / "etc/modprobe.d").mkdir(exist_ok=True)
    for file in _STAND_INS.iterdir():
        target = root / "usr/sbin" / file.name
        shutil.copy(file, target)
        target.chmod(0o755)
