"""Takes in an image that was made elsewhere: any raw or qcow2 cloud image whose cloud-init reads a NoCloud seed.

Owns ``bringup image import``. Whether cloud-init is in it, nobody can see without mounting: the agent looks, and refuses
in its report. Published is the whole image or nothing; the file itself is only read.
"""

import shutil
import tempfile
from pathlib import Path

from boot.artifacts import publish
from boot.image.pack import pack
from boot.image.partitions import choose_root, read_partitions
from boot.image.source import as_raw
from workflows.model.errors import Refused
from workflows.model.profile import Image

NEEDED = {"qemu-img": "qemu-utils", "sfdisk": "fdisk", "blkid": "util-linux", "prlimit": "util-linux", "zstd": "zstd"}


def import_image(file: Path, artifacts: Path, work: Path, *, name: str | None = None, root: str | None = None) -> Image:
    """Publish ``file`` among the artifacts and return its record. ``work`` needs room for the raw disk; blocks.

    ``root`` names the root file system (partition number or UUID) where the image doesn't show which one it is.

    Raises:
        Refused: a program is missing, or the file is no image that can be deployed; the message says why.
    """
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if missing:
        raise Refused(f"importing an image needs {', '.join(missing)}: apt-get install {' '.join(missing)}")
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="import-", dir=work) as directory:
        raw = as_raw(file, Path(directory))
        found = choose_root(read_partitions(raw), root)
        packed = Path(directory) / "disk.img.zst"
        image = pack(raw, packed, name=name or file.stem, root_uuid=found.uuid)
        publish(packed, artifacts, image.sha256)
    return image
