"""What a host must have to run this site, said in one line that can be pasted."""

import os
import shutil
from pathlib import Path

from lab.infiniband.subnet import PRELOAD
from lab.netbox.serve import POSTGRES

#: A program, or a file with its whole path, and Debian's package that has it.
_NEEDS = {
    "busybox": "busybox-static",
    "cpio": "cpio",
    "dnsmasq": "dnsmasq-base",
    "ganesha.nfsd": "nfs-ganesha",
    "grub-mkimage": "grub-common",
    "ibsim": "ibsim-utils",
    "ibstat": "infiniband-diags",
    "ip": "iproute2",
    "mcopy": "mtools",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mmdebstrap": "mmdebstrap",
    "opensm": "opensm",
    "qemu-system-x86_64": "qemu-system-x86",
    "redis-server": "redis-server",
    "sfdisk": "fdisk",
    "ssh": "openssh-client",
    "zstd": "zstd",
    PRELOAD: "libumad2sim0",
    "/usr/lib/grub/i386-pc/boot.img": "grub-pc-bin",
    "/usr/lib/grub/x86_64-efi": "grub-efi-amd64-bin",
    "/usr/lib/ipxe/qemu/pxe-virtio.rom": "ipxe-qemu",
    "/usr/lib/x86_64-linux-gnu/ganesha/libfsalvfs.so": "nfs-ganesha-vfs",
    "/usr/share/OVMF/OVMF_VARS_4M.fd": "ovmf",
}
_PATH = f"{os.defpath}:/usr/sbin:/sbin"


def missing() -> str:
    """What this host lacks to run the site and how to get it, as one sentence; empty where nothing is missing."""
    packages = sorted(package for need, package in _NEEDS.items() if not _is_there(need))
    if not POSTGRES:
        packages.append("postgresql")
    if packages:
        return f"missing on this host: sudo apt-get install -y {' '.join(packages)}"
    if os.geteuid() != 0:
        return "network namespaces, taps and images need root: run it with sudo"
    return ""


def _is_there(need: str) -> bool:
    return Path(need).exists() if need.startswith("/") else shutil.which(need, path=_PATH) is not None
