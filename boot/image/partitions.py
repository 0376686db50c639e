"""Finds the root file system of a raw disk, by its partition table and superblocks: no loop device, no mount.

Which one it is, in this order: the one that a person names; the one partition whose GPT type says *root*
(Discoverable Partitions Specification, UAPI group); else the largest Linux file system whose partition type says nothing
else, if it is at least twice as large as the next. Whatever isn't clear is refused with the list.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from boot.image.command import run
from boot.image.source import SECTOR
from workflows.model.errors import Refused

FILE_SYSTEMS = ("ext4", "xfs", "btrfs")
_ROOT_X86_64 = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
_NEVER_ROOT = frozenset(
    {
        "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",  # EFI system
        "BC13C2FF-59E6-4262-A352-B275FD6F7172",  # extended boot loader (/boot)
        "933AC7E1-2EB4-4F13-B844-0E14E2AEF915",  # /home
        "3B8F8425-20E0-4F3B-907F-1A25A76F98E8",  # /srv
        "4D21B016-B534-45C2-A9FB-5C16E091FD2D",  # /var
        "7EC6F557-3BC5-4ACA-B293-16EF5DF639D1",  # /var/tmp
        "8484680C-9521-48C6-9C11-B0720656F69E",  # /usr
    }
)
_CLEARLY = 2
_BACKUP_AT = 32  # in the GPT header: the sector of its backup (UEFI 2.10, table 5.5)
_LOOK = timedelta(minutes=1)
_NOTHING_KNOWN = 2  # blkid's exit code


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. ``start`` and ``size`` in bytes, ``kind`` its type (GUID, or hex number in a DOS table)."""

    number: int
    start: int
    size: int
    kind: str
    file_system: str = ""
    uuid: str = ""
    label: str = ""

    @property
    def is_linux(self) -> bool:
        """Whether it holds a file system that a root can be, with a UUID to find it by."""
        return self.file_system in FILE_SYSTEMS and bool(self.uuid)

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.file_system or "no file system", self.uuid, self.label)))
        return f"{self.number}: {what}, {self.size >> 20} MiB"


def read_partitions(disk: Path) -> list[Partition]:
    """All partitions of a raw disk with what their superblocks say.

    Raises:
        Refused: it has no partition table, or a partition ends beyond the disk.
    """
    try:
        table = json.loads(run(["sfdisk", "--json", disk], timeout=_LOOK))["partitiontable"]
    except Refused:
        raise Refused(
            f"{disk.name} has no partition table (GPT or DOS), so no firmware boots from it; "
            "is it a disk image, and whole?"
        ) from None
    size, found = disk.stat().st_size, []
    if _gpt_end(disk) > size:
        raise Refused(f"{disk.name} ends before its partition table's backup: was its download cut short?")
    for row in table.get("partitions", ()):
        number = int(str(row["node"]).removeprefix(str(disk)).lstrip("p"))
        start, length = int(row["start"]) * SECTOR, int(row["size"]) * SECTOR
        if start + length > size:
            raise Refused(f"partition {number} ends beyond the end of the image: was its download cut short?")
        partition = Partition(number, start, length, str(row["type"]).upper())
        found.append(_probed(disk, partition))
    return found


def choose_root(partitions: Sequence[Partition], wanted: str | None = None) -> Partition:
    """The partition with the root file system. ``wanted`` is a partition's number or a file system's UUID.

    Raises:
        Refused: there is none, or it isn't clear which; the message lists what there is and says how to choose.
    """
    listed = "; ".join(map(str, partitions)) or "none"
    if wanted is not None:
        named = [p for p in partitions if wanted.lower() in (str(p.number), p.uuid.lower())]
        if len(named) != 1 or not named[0].is_linux:
            raise Refused(f"{wanted!r} names no {', '.join(FILE_SYSTEMS)} file system here; partitions: {listed}")
        return _unique(named[0], partitions)
    linux = [p for p in partitions if p.is_linux]
    if not linux:
        raise Refused(
            f"no partition holds a Linux root file system ({', '.join(FILE_SYSTEMS)}; LVM, RAID and encryption are "
            f"not taken); partitions: {listed}"
        )
    roots = [p for p in linux if p.kind == _ROOT_X86_64]
    if not roots:
        by_size = sorted((p for p in linux if p.kind not in _NEVER_ROOT), key=lambda p: -p.size)
        clear = len(by_size) == 1 or (len(by_size) > 1 and by_size[0].size >= _CLEARLY * by_size[1].size)
        roots = by_size[:1] if clear else by_size
    if len(roots) != 1:
        raise Refused(f"it isn't clear which partition is the root: name it with --root; partitions: {listed}")
    return _unique(roots[0], partitions)


def _gpt_end(disk: Path) -> int:
    """Where the disk ended when its GPT was written, 0 without one. sfdisk takes a shortened disk for a smaller one."""
    with disk.open("rb") as file:
        file.seek(SECTOR)
        header = file.read(_BACKUP_AT + 8)
    return (int.from_bytes(header[_BACKUP_AT:], "little") + 1) * SECTOR if header.startswith(b"EFI PART") else 0


def _unique(chosen: Partition, partitions: Sequence[Partition]) -> Partition:
    if sum(p.uuid == chosen.uuid for p in partitions) > 1:
        raise Refused(f"two partitions have the UUID {chosen.uuid}, so the installed system could take the wrong one")
    return chosen


def _probed(disk: Path, partition: Partition) -> Partition:
    words = ["blkid", "-p", "-O", str(partition.start), "-S", str(partition.size), "-o", "export", str(disk)]
    said = run(words, timeout=_LOOK, good=(0, _NOTHING_KNOWN)).decode(errors="replace")
    known = dict(line.partition("=")[::2] for line in said.splitlines())
    return replace(
        partition, file_system=known.get("TYPE", ""), uuid=known.get("UUID", ""), label=known.get("LABEL", "")
    )
