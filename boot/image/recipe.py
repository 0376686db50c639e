"""What goes into an image. The digest of a recipe names its place in the cache, so equal recipes build once."""

import hashlib
from pathlib import Path

from workflows.model.record import Record


class ImageRecipe(Record):
    """A Debian system. ``packages`` serve the installed node *and* the RAM-disk agent, which is cut out of it.

    ``early_modules`` go into the image's initramfs: what the root disk may hang on. ``free_mib`` is what the root file
    system has left before it grows to its disk.
    """

    name: str = "debian-12"
    suite: str = "bookworm"
    kernel: str = "linux-image-cloud-amd64"
    packages: tuple[str, ...] = (
        "busybox-static",
        "ca-certificates",
        "curl",
        "dbus",
        "e2fsprogs",
        "fdisk",
        "initramfs-tools",
        "iproute2",
        "jq",
        "kexec-tools",
        "kmod",
        "netbase",
        "nfs-common",
        "openssh-server",
        "python3",
        "sudo",
        "systemd-sysv",
        "udev",
        "zstd",
    )
    early_modules: tuple[str, ...] = (
        "virtio_pci",
        "virtio_blk",
        "virtio_scsi",
        "virtio_net",
        "sd_mod",
        "ext4",
        "ahci",
        "ata_piix",
        "nvme",
    )
    kernel_arguments: str = "console=tty0 console=ttyS0,115200 net.ifnames=0 quiet"
    free_mib: int = 96

    def rootfs_digest(self) -> str:
        """Names the root file system: 16 hex digits over what it is made of, our own code for it included."""
        return _digest(self, "recipe.py", "rootfs.py")

    def digest(self) -> str:
        """Names the disk image."""
        return _digest(self, "recipe.py", "rootfs.py", "disk.py", "grub.py", "build.py", "pack.py")


def _digest(recipe: ImageRecipe, *sources: str) -> str:
    seen = hashlib.sha256(recipe.model_dump_json().encode())
    for name in sources:
        seen.update((Path(__file__).parent / name).read_bytes())
    return seen.hexdigest()[:16]
