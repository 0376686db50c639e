"""The disk: a GPT with a BIOS boot partition, an EFI system partition and the root file system, in one raw file."""

import shutil
from datetime import timedelta
from pathlib import Path

from boot.image import grub
from boot.image.command import run

_BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
_ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
_MIB = 1 << 20
_ESP_MIB = 16
_CORE_AT, _ESP_AT, _ROOT_AT = 1, 2, 2 + _ESP_MIB  # MiB
_TAIL_MIB = 1  # the backup of the GPT
_PATIENCE = timedelta(minutes=5)
#: grub.cfg names the file system by UUID, and the agent changes that UUID without rewriting every checksum.
_FEATURES = "metadata_csum,metadata_csum_seed,^orphan_file"
#: mkfs chooses one inode per 4 KiB for a file system as small as an image; grown to a disk, its tables would be huge.
_BYTES_PER_INODE = "16384"


def build_disk(rootfs: Path, work: Path, *, root_uuid: str, free_mib: int, kernel_arguments: str) -> Path:
    """Make the raw disk image in ``work``. ``rootfs`` gets its ``fstab`` and ``grub.cfg``."""
    (rootfs / "etc/fstab").write_text(f"UUID={root_uuid} / ext4 defaults,noatime,x-systemd.growfs 0 1\n")
    (rootfs / "boot/grub").mkdir(parents=True, exist_ok=True)
    (rootfs / "boot/grub/grub.cfg").write_text(grub.config(root_uuid, kernel_arguments))
    root_mib = _used_mib(rootfs) * 21 // 20 + free_mib
    disk = work / "disk.img"
    _sparse(disk, _ROOT_AT + root_mib + _TAIL_MIB)
    table = (
        "label: gpt\n"
        f"start={_CORE_AT}MiB, size=1MiB, type={_BIOS_BOOT}\n"
        f"start={_ESP_AT}MiB, size={_ESP_MIB}MiB, type={_ESP}\n"
        f"start={_ROOT_AT}MiB, size={root_mib}MiB, type={_LINUX}, name=root\n"
    )
    run(["sfdisk", "-q", disk], stdin=table.encode(), timeout=_PATIENCE)
    _copy(_root_file_system(rootfs, work, root_uuid, root_mib), disk, _ROOT_AT)
    _copy(grub.efi_partition(work, _ESP_MIB), disk, _ESP_AT)
    boot = grub.bios(work, core_sector=_CORE_AT * _MIB // grub.SECTOR)
    with disk.open("r+b") as file:
        file.write(boot.boot_code)
        file.seek(_CORE_AT * _MIB)
        file.write(boot.core)
    return disk


def _root_file_system(rootfs: Path, work: Path, root_uuid: str, mebibytes: int) -> Path:
    target = work / "root.ext4"
    _sparse(target, mebibytes)
    run(
        [
            "mkfs.ext4",
            "-q",
            "-F",
            "-U",
            root_uuid,
            "-O",
            _FEATURES,
            "-i",
            _BYTES_PER_INODE,
            "-m",
            "1",
            "-J",
            "size=16",
            "-d",
            rootfs,
            target,
        ],
        timeout=_PATIENCE,
    )
    return target


def _used_mib(directory: Path) -> int:
    return int(run(["du", "-sm", "--one-file-system", directory], timeout=_PATIENCE).split()[0])


def _sparse(path: Path, mebibytes: int) -> None:
    with path.open("wb") as file:
        file.truncate(mebibytes * _MIB)


def _copy(part: Path, disk: Path, at_mib: int) -> None:
    with part.open("rb") as source, disk.open("r+b") as target:
        target.seek(at_mib * _MIB)
        shutil.copyfileobj(source, target, _MIB)
