"""A cloud image made by a tool that isn't ours: Debian's ``mkosi``, with cloud-init, netplan and systemd-boot, for UEFI.

Needs root, loop devices, and Debian's ``mkosi debootstrap systemd-container mtools qemu-utils``. mkosi mounts the EFI
system partition; where the kernel knows no FAT, it is given a folder in its place, which ``mtools`` copy into the
partition afterwards. Everything else in the image is as mkosi leaves it. Takes about a minute; cached by its recipe.
"""

import hashlib
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

from boot.image.build import alone, whole
from boot.image.command import run

NEEDED = ("mkosi", "debootstrap", "systemd-nspawn", "mcopy", "qemu-img", "sfdisk")
_PATIENCE = timedelta(minutes=20)
_SECTOR = 512
_PACKAGES = (
    "linux-image-cloud-amd64", "cloud-init", "netplan.io", "openssh-server", "python3", "sudo", "udev",
    "cloud-guest-utils", "iproute2", "e2fsprogs",
)  # fmt: skip
_MKOSI = (
    *("--distribution", "debian", "--release", "bookworm", "--format", "gpt_ext4"),
    *("--bootable", "--esp-size", "64M", "--root-size", "800M", "--nspawn-keep-unit"),
    *("--without-unified-kernel-images",),
    *("--kernel-command-line", "console=ttyS0,115200 net.ifnames=0", "--package", ",".join(_PACKAGES)),
)
_MOUNT = """#!/bin/sh
# mkosi calls: mount --no-mtab DEVICE WHERE [--options ...]
case "$2" in /dev/loop*) [ "$(blkid -p -s TYPE -o value "$2")" = vfat ] && exec {mount} --no-mtab --bind "{esp}" "$3" ;; esac
exec {mount} "$@"
"""
_NSPAWN = """#!/bin/sh
# bootctl would refuse a folder as the EFI system partition.
exec {nspawn} --setenv=SYSTEMD_RELAX_ESP_CHECKS=1 "$@"
"""


def mkosi_image(cache: Path) -> Path:
    """The image as qcow2, built or taken from the cache. Blocks for about a minute when it builds.

    Raises:
        Refused: one of the programs in ``NEEDED`` is missing, or failed; the message ends with its last words.
    """
    directory = cache / f"mkosi-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with alone(cache):
        if not directory.exists():
            with whole(directory) as work:
                _build(work)
    return directory / "image.qcow2"


def _build(work: Path) -> None:
    raw, esp, programs = work / "image.raw", work / "esp", work / "bin"
    esp.mkdir()
    programs.mkdir()
    _program(programs / "mount", _MOUNT.format(mount=shutil.which("mount"), esp=esp))
    _program(programs / "systemd-nspawn", _NSPAWN.format(nspawn=shutil.which("systemd-nspawn")))
    run(["env", f"PATH={programs}:{os.defpath}:/usr/sbin:/sbin", "mkosi", *_MKOSI, "--output", raw], timeout=_PATIENCE)
    if any(esp.iterdir()):
        table = json.loads(run(["sfdisk", "--json", raw], timeout=_PATIENCE))["partitiontable"]
        at = int(table["partitions"][0]["start"]) * _SECTOR
        run(["mcopy", "-s", "-i", f"{raw}@@{at}", *sorted(esp.iterdir()), "::"], timeout=_PATIENCE)
    run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, work / "image.qcow2"], timeout=_PATIENCE)
    for left in work.iterdir():
        if left.name != "image.qcow2":
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
