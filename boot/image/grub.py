"""GRUB for BIOS and UEFI, put in place without a loop device, a mount or grub-install.

Both core images have the prefix ``(,gpt3)/boot/grub``: the third partition of *the disk that the firmware booted from*
(GRUB fills in the drive, ``grub_set_prefix_and_root``), so a second disk with an old copy of the same image is never
picked by its label. For BIOS, ``boot.img`` goes to the first sector and ``core.img`` to the BIOS boot partition; the
fields patched are those that grub-setup patches (``grub-core/boot/i386/pc/boot.S``, ``diskboot.S``).
"""

import struct
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from boot.image.command import run

SECTOR = 512
PREFIX = "(,gpt3)/boot/grub"
_COMMON = ("part_gpt", "ext2", "configfile", "linux", "normal", "boot", "echo", "reboot")
_BIOS_MODULES = Path("/usr/lib/grub/i386-pc")
_MINUTE = timedelta(minutes=1)

_KERNEL_SECTOR = 0x5C  # boot.img: where core.img begins, 64 bit little endian
_BOOT_DRIVE = 0x64  # boot.img: 0xff means the drive that the BIOS booted from
_DRIVE_CHECK = 0x66  # boot.img: a jump that only floppies need; grub-setup writes two NOPs for hard disks
_BOOT_CODE = 440  # bytes of the first sector before the partition table
_BLOCK_LIST_END = SECTOR - 12  # diskboot.img's first block list: start, number of sectors, segment to load to
_LOAD_SEGMENT = 0x820


@dataclass(frozen=True, slots=True)
class BiosBoot:
    """What goes to the first 440 bytes of the disk, and to its BIOS boot partition."""

    boot_code: bytes
    core: bytes


def config(root_uuid: str, kernel_arguments: str) -> str:
    """``grub.cfg``: one entry, no menu. The agent replaces the UUID when it gives the file system its own."""
    return (
        "set timeout=0\n"
        f"linux /vmlinuz root=UUID={root_uuid} ro {kernel_arguments}\n"
        "initrd /initrd.img\n"
        "boot\n"
    )  # fmt: skip


def bios(work: Path, core_sector: int) -> BiosBoot:
    """GRUB for BIOS, with ``core.img`` to lie at ``core_sector``."""
    target = work / "core.img"
    run(["grub-mkimage", "-O", "i386-pc", "-o", target, "-p", PREFIX, "biosdisk", *_COMMON], timeout=_MINUTE)
    boot, core = bytearray((_BIOS_MODULES / "boot.img").read_bytes()), bytearray(target.read_bytes())
    struct.pack_into("<Q", boot, _KERNEL_SECTOR, core_sector)
    boot[_BOOT_DRIVE] = 0xFF
    boot[_DRIVE_CHECK : _DRIVE_CHECK + 2] = b"\x90\x90"
    rest = (len(core) + SECTOR - 1) // SECTOR - 1
    struct.pack_into("<QHH", core, _BLOCK_LIST_END, core_sector + 1, rest, _LOAD_SEGMENT)
    return BiosBoot(bytes(boot[:_BOOT_CODE]), bytes(core))


def efi_partition(work: Path, mebibytes: int) -> Path:
    """A FAT file system with GRUB at the path every UEFI firmware tries (UEFI 2.10, 3.5.1.1)."""
    loader, fat = work / "BOOTX64.EFI", work / "esp.fat"
    run(["grub-mkimage", "-O", "x86_64-efi", "-o", loader, "-p", PREFIX, "all_video", *_COMMON], timeout=_MINUTE)
    fat.write_bytes(b"")
    with fat.open("r+b") as file:
        file.truncate(mebibytes << 20)
    run(["mkfs.vfat", "-n", "ESP", fat], timeout=_MINUTE)
    run(["mmd", "-i", fat, "::EFI", "::EFI/BOOT"], timeout=_MINUTE)
    run(["mcopy", "-i", fat, loader, "::EFI/BOOT/BOOTX64.EFI"], timeout=_MINUTE)
    return fat
