"""The disks of the lab's machines: sparse files of their full size, with the agent's marker near the end.

The marker is the same as on a real disk (``boot/agent/init``): how often this disk was written, and under which grant. It
survives every image, because no image reaches there.
"""

import hashlib
from pathlib import Path

from workflows.model import grant

MARKER_FROM_END = 1 << 20
_MAGIC = b"bringup-marker"
_SECTOR = 512
_BLOCK = 1 << 20


class LabDisk:
    """One disk in one file. All methods block on the file; call them from a thread."""

    def __init__(self, path: Path, serial: str, model: str, size: int):
        self.path, self.serial, self.model, self.size = path, serial, model, size
        if not path.exists():
            path.touch()
            with path.open("r+b") as file:
                file.truncate(size)

    def shown(self) -> grant.Disk:
        """How the agent describes it to the boot service."""
        return grant.Disk(
            id=self.serial, device=self.path.stem, size=self.size, model=self.model, serial=self.serial, transport="lab"
        )

    def read(self, at: int, count: int) -> bytes:
        """Bytes from an offset."""
        with self.path.open("rb") as file:
            file.seek(at)
            return file.read(count)

    def write(self, at: int, data: bytes) -> None:
        """Bytes to an offset; what lies beyond the end is an error, not a longer disk.

        Raises:
            ValueError: the disk ends before.
        """
        if at + len(data) > self.size:
            raise ValueError(f"disk {self.serial} has {self.size} bytes, not {at + len(data)}")
        with self.path.open("r+b") as file:
            file.seek(at)
            file.write(data)

    def count_write(self, by: str) -> int:
        """Raise the marker's count before the first byte of an image is written; returns the new count."""
        count = self.writes() + 1
        marker = b"%s %d %s\n" % (_MAGIC, count, by.encode())
        self.write(self.size - MARKER_FROM_END, marker.ljust(_SECTOR, b"\0"))
        return count

    def writes(self) -> int:
        """How many images this disk has seen, by its own marker."""
        return self.marker()[0]

    def marker(self) -> tuple[int, str]:
        """That count, and the grant of the newest write (``<node>.<cause>.<attempt>``); 0 on a disk without a marker."""
        words = self.read(self.size - MARKER_FROM_END, _SECTOR).split(b"\n")[0].split(b" ")
        return (int(words[1]), words[2].decode()) if words[0] == _MAGIC else (0, "")

    def sha256(self, count: int | None = None) -> str:
        """Hash of its first ``count`` bytes, of all by default."""
        left, digest = self.size if count is None else count, hashlib.sha256()
        with self.path.open("rb") as file:
            while left and (data := file.read(min(left, _BLOCK))):
                digest.update(data)
                left -= len(data)
        return digest.hexdigest()
