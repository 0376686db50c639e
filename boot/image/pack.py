"""Packs a raw disk for the agent: the compressed file, and the ``Image`` record that a release names."""

import hashlib
from datetime import timedelta
from pathlib import Path

from boot.image.command import run
from workflows.model.profile import Image

_PATIENCE = timedelta(minutes=30)


def pack(disk: Path, target: Path, *, name: str, root_uuid: str) -> Image:
    """Compress ``disk`` to ``target`` (zstd, level 3) and describe both. Some seconds for each GiB.

    Raises:
        Refused: zstd failed, for instance for want of space.
    """
    run(["zstd", "-q", "-3", "-T0", disk, "-o", target], timeout=_PATIENCE)
    return Image(
        name=name,
        sha256=sha256_of(target),
        size=target.stat().st_size,
        raw_size=disk.stat().st_size,
        raw_sha256=sha256_of(disk),
        root_uuid=root_uuid,
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
