"""The root file system: mmdebstrap into a directory, then the few files that make it a node bringup can reach.

It holds no host key, no machine id, no password and no authorized key: the agent writes a node's identity after the
image is on its disk. Interfaces that nobody configured ask DHCP, so that an unconfigured node is still reachable.
"""

import shutil
from datetime import timedelta
from pathlib import Path

from boot.image.command import run
from boot.image.recipe import ImageRecipe

#: Tells the agent that an image is ours: it needs no cloud-init.
PLAIN = "usr/lib/bringup/plain"
_PATIENCE = timedelta(minutes=15)
_LEFT_OUT = ("man", "doc", "locale", "info")
_NETWORK = """\
[Match]
Name=eth* en*
[Network]
DHCP=ipv4
IPv6AcceptRA=no
[DHCPv4]
ClientIdentifier=mac
"""
_SSHD = """\
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
"""
_OFF = (
    "systemd-networkd-wait-online.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
)


def build_rootfs(recipe: ImageRecipe, target: Path) -> None:
    """Build it in ``target``, which must not exist. Takes about 40 s on two cores.

    Raises:
        Refused: mmdebstrap failed; the message ends with its last words.
    """
    modules = "\\n".join(recipe.early_modules)
    run(
        [
            "mmdebstrap",
            "--variant=minbase",
            "--mode=root",
            f"--include={','.join((recipe.kernel, *recipe.packages))}",
            *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in _LEFT_OUT),
            '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"',
            '--essential-hook=echo MODULES=list > "$1/etc/initramfs-tools/conf.d/bringup.conf"',
            f'--essential-hook=printf "{modules}\\n" > "$1/etc/initramfs-tools/modules"',
            recipe.suite,
            target,
        ],
        timeout=_PATIENCE,
    )
    _configure(target)


def kernel_version(rootfs: Path) -> str:
    """The one kernel that the root file system holds."""
    (version,) = (rootfs / "lib/modules").iterdir()
    return version.name


def _configure(root: Path) -> None:
    (root / "etc/systemd/network/90-unconfigured.network").write_text(_NETWORK)
    (root / "etc/ssh/sshd_config.d/10-bringup.conf").write_text(_SSHD)
    (root / "etc/machine-id").write_text("")
    # The package is there for the agent; by default it would turn every reboot of the node into a kexec.
    (root / "etc/default/kexec").write_text("LOAD_KEXEC=false\n")
    (root / PLAIN).parent.mkdir()
    (root / PLAIN).write_text("The agent writes this system's identity as plain files.\n")
    (root / "etc/hostname").unlink(missing_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    minute = timedelta(minutes=1)
    run(["chroot", root, "systemctl", "enable", "systemd-networkd.service"], timeout=minute)
    run(["chroot", root, "systemctl", "disable", *_OFF], timeout=minute)
    for waste in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / waste)
        (root / waste / "partial").mkdir(parents=True)
    version = kernel_version(root)
    for link, file in (("vmlinuz", f"boot/vmlinuz-{version}"), ("initrd.img", f"boot/initrd.img-{version}")):
        if not (root / link).is_symlink():
            (root / link).symlink_to(file)
