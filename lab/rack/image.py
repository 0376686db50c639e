"""The image that simulated machines install, and the kernel and RAM disk that they load: real files, served as such.

It is stored, not compressed (``size`` is ``raw_size``): a simulated machine needs no decompressor. Its first sector says
that it is bootable and which root file system it holds; the agent puts this grant's UUID there.
"""

import hashlib
import json
import re
import tempfile
import uuid
from pathlib import Path

from boot.artifacts import publish
from workflows.model.profile import Image

KERNEL, INITRD = "vmlinuz", "agent.gz"
_SECTOR = 512
_NAME = "lab"
_HEADER = re.compile(rb"bringup-lab-image root=([0-9a-f-]{36})\n")


def header(root_uuid: str) -> bytes:
    """The first sector of a disk that boots from this root file system."""
    return f"bringup-lab-image root={root_uuid}\n".encode().ljust(_SECTOR, b"\0")


def bootable_root(sector: bytes) -> str | None:
    """The root file system that a disk with this first sector boots, None where it boots nothing."""
    found = _HEADER.match(sector)
    return found[1].decode() if found else None


def make_artifacts(directory: Path, size: int = 24 << 20) -> Image:
    """Write image, kernel and RAM disk as artifacts of a boot service. The same size gives the same image. Blocks."""
    directory.mkdir(parents=True, exist_ok=True)
    root = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"lab-image-{size}"))
    content = header(root) + hashlib.shake_256(root.encode()).digest(size - _SECTOR)
    digest = hashlib.sha256(content).hexdigest()
    image = Image(name=_NAME, sha256=digest, size=size, raw_size=size, raw_sha256=digest, root_uuid=root)
    about = json.dumps(image.model_dump(mode="json"), indent=2).encode()
    files = {KERNEL: b"a kernel\n" * 4096, INITRD: b"an agent\n" * 8192, digest: content, f"{_NAME}.json": about}
    for name, data in files.items():
        with tempfile.NamedTemporaryFile(dir=directory) as file:
            file.write(data)
            file.flush()
            publish(Path(file.name), directory, name)
    return image
