"""Builds and caches images: root file system, disk, compressed file, and the ``Image`` record beside it.

Everything is made in a temporary directory and renamed into place when it is whole, so a build that was killed leaves
nothing that looks finished. Processes that share a cache build one after the other.
"""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boot.image.disk import build_disk
from boot.image.pack import pack
from boot.image.recipe import ImageRecipe
from boot.image.rootfs import build_rootfs
from workflows.model.errors import Refused
from workflows.model.profile import Image

NEEDED = ("mmdebstrap", "sfdisk", "mkfs.ext4", "mkfs.vfat", "mmd", "mcopy", "grub-mkimage", "zstd")
_NAMESPACE = uuid.UUID("6f1c2f0e-52f5-4a3c-9f8e-3c1d54f0a9b7")


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that is ready: the compressed file, its record, and the root file system that the agent is cut from."""

    file: Path
    image: Image
    rootfs: Path


def build_image(recipe: ImageRecipe, cache: Path) -> BuiltImage:
    """Build the image, or take it from the cache. Blocks for about a minute when it builds.

    Raises:
        Refused: not root, a program is missing, or a build command failed.
    """
    rootfs, directory = cache / f"rootfs-{recipe.rootfs_digest()}", cache / f"image-{recipe.digest()}"
    cache.mkdir(parents=True, exist_ok=True)
    with alone(cache):
        if not (directory.exists() and rootfs.exists()):
            _check_host()
        if not rootfs.exists():
            with whole(rootfs) as work:
                build_rootfs(recipe, work / "root")
        if not directory.exists():
            with whole(directory) as work:
                _build(recipe, rootfs / "root", work)
    image = Image.decode((directory / "image.json").read_bytes())
    return BuiltImage(directory / "disk.img.zst", image, rootfs / "root")


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Wait until no other process builds in this cache; the lock goes with the process that holds it."""
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A temporary directory beside ``target`` that becomes ``target`` if the block ends well."""
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield work
        work.chmod(0o755)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build(recipe: ImageRecipe, rootfs: Path, work: Path) -> None:
    root_uuid = str(uuid.uuid5(_NAMESPACE, recipe.digest()))
    disk = build_disk(
        rootfs,
        work,
        root_uuid=root_uuid,
        free_mib=recipe.free_mib,
        kernel_arguments=recipe.kernel_arguments,
    )
    packed = work / "disk.img.zst"
    image = pack(disk, packed, name=recipe.name, root_uuid=root_uuid)
    for file in work.iterdir():
        if file != packed:
            file.unlink()
    (work / "image.json").write_bytes(image.encode())


def _check_host() -> None:
    if os.geteuid() != 0:
        raise Refused("building an image needs root (mmdebstrap, chroot): run it with sudo")
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.defpath}:/usr/sbin:/sbin") is None]
    if missing:
        raise Refused(
            f"building an image needs {', '.join(missing)}: "
            "apt-get install mmdebstrap fdisk e2fsprogs dosfstools mtools grub-pc-bin grub-efi-amd64-bin zstd"
        )
