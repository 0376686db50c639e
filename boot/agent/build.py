"""Builds the agent: a kernel, and an initramfs cut out of an image's root file system.

A tool comes with the shared libraries that the root file system's own ``ldd`` names; a module with its dependencies.
Takes seconds, so it is cached by the content of what goes in.
"""

import hashlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from boot.image.build import BuiltImage, alone, whole
from boot.image.command import run
from boot.image.rootfs import kernel_version
from workflows.model.errors import Refused

_HERE = Path(__file__).parent
_MINUTE = timedelta(minutes=1)
TOOLS = (
    "/usr/bin/curl",
    "/usr/bin/jq",
    "/usr/bin/ssh-keygen",
    "/usr/bin/zstd",
    "/usr/sbin/blkid",
    "/usr/sbin/kexec",
    "/usr/sbin/sfdisk",
    "/usr/sbin/tune2fs",
)
#: Folders and single modules of Debian's kernels that a server's disks and NICs need; what a kernel lacks is left out.
MODULES = (
    "kernel/drivers/block/virtio_blk.ko",
    "kernel/drivers/net/virtio_net.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/ethernet/intel",
    "kernel/drivers/net/ethernet/broadcom",
    "kernel/drivers/net/ethernet/mellanox/mlx5",
    "kernel/drivers/nvme/host",
    "kernel/drivers/scsi/sd_mod.ko",
    "kernel/drivers/scsi/virtio_scsi.ko",
    "kernel/drivers/scsi/megaraid",
    "kernel/drivers/scsi/mpt3sas",
    "kernel/drivers/scsi/smartpqi",
    "kernel/drivers/ata",
    "kernel/drivers/virtio",
    "kernel/drivers/char/hw_random/virtio-rng.ko",
    "kernel/fs/btrfs",
    "kernel/fs/efivarfs",
    "kernel/fs/ext4",
    "kernel/fs/fat",
    "kernel/fs/nls/nls_ascii.ko",
    "kernel/fs/nls/nls_cp437.ko",
    "kernel/fs/xfs",
    "kernel/net/packet",
    "kernel/arch/x86/crypto",
    "kernel/crypto/crc32c_generic.ko",
)
#: The agent's own files and where they go.
SCRIPTS = {
    "init": "init",
    "identity.sh": "etc/agent/identity.sh",
    "next.sh": "etc/agent/next.sh",
    "udhcpc.script": "etc/udhcpc.script",
}
_DEPMOD_AT = "var/tmp/agent"
_LIBRARY = re.compile(r"(/\S+\.so\S*)")


@dataclass(frozen=True, slots=True)
class BuiltAgent:
    """The agent's two files. Their names carry their content, so a boot script always means one build."""

    kernel: Path
    initrd: Path


def build_agent(image: BuiltImage, cache: Path) -> BuiltAgent:
    """Build it from an image's root file system, or take it from the cache. Blocks for some seconds.

    Raises:
        Refused: a tool that the agent needs isn't in the image, or a build command failed.
    """
    seen = hashlib.sha256(image.rootfs.parent.name.encode())
    for source in (*SCRIPTS, "build.py"):
        seen.update((_HERE / source).read_bytes())
    digest = seen.hexdigest()[:16]
    directory = cache / f"agent-{digest}"
    kernel, initrd = f"vmlinuz-{digest}", f"agent-{digest}.cpio.zst"
    with alone(cache):
        if not directory.exists():
            with whole(directory) as work:
                shutil.copyfile(image.rootfs / "boot" / f"vmlinuz-{kernel_version(image.rootfs)}", work / kernel)
                (work / initrd).write_bytes(_initramfs(image.rootfs, work / "tree"))
                shutil.rmtree(work / "tree")
    return BuiltAgent(directory / kernel, directory / initrd)


def _initramfs(rootfs: Path, tree: Path) -> bytes:
    for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "proc", "sys", "dev", "tmp", "mnt", "etc", "root"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    _busybox(rootfs, tree)
    for tool in TOOLS:
        _tool(rootfs, tree, tool)
    _modules(rootfs, tree)
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc/agent").mkdir()
    for source, target in SCRIPTS.items():
        shutil.copyfile(_HERE / source, tree / target)
        (tree / target).chmod(0o755)
    names = "\n".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))).encode()
    archive = run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "--reproducible"],
        stdin=names,
        cwd=tree,
        timeout=_MINUTE,
    )
    return run(["zstd", "-q", "-12", "-T0"], stdin=archive, timeout=_MINUTE)


def _busybox(rootfs: Path, tree: Path) -> None:
    shutil.copy2(rootfs / "usr/bin/busybox", tree / "usr/bin/busybox")
    for applet in run(["chroot", rootfs, "/usr/bin/busybox", "--list"], timeout=_MINUTE).decode().split():
        if applet != "busybox":
            (tree / "usr/bin" / applet).symlink_to("busybox")


def _tool(rootfs: Path, tree: Path, tool: str) -> None:
    source, target = rootfs / tool[1:], tree / tool[1:]
    if not source.exists():
        raise Refused(f"the image has no {tool}, which the agent needs: add its package to the recipe")
    (tree / "usr/bin" / target.name).unlink(missing_ok=True)
    shutil.copy2(source, target)
    for library in _LIBRARY.findall(run(["chroot", rootfs, "ldd", tool], timeout=_MINUTE).decode()):
        place = tree / _merged(library)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(rootfs / _merged(library), place)


def _merged(path: str) -> str:
    """The path under ``usr``: Debian's ``/lib`` is a link to ``/usr/lib``."""
    return path[1:] if path.startswith("/usr/") else f"usr{path}"


def _modules(rootfs: Path, tree: Path) -> None:
    version = kernel_version(rootfs)
    source, target = rootfs / "usr/lib/modules" / version, tree / "usr/lib/modules" / version
    needs = _dependencies(source / "modules.dep")
    wanted = {name for name in needs if any(name == part or name.startswith(f"{part}/") for part in MODULES)}
    for name in wanted | {needed for module in wanted for needed in needs[module]}:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copyfile(source / name, target / name)
    _depmod(rootfs, tree, version)


def _dependencies(file: Path) -> dict[str, Iterable[str]]:
    lines = (line.partition(":") for line in file.read_text().splitlines())
    return {name: rest.split() for name, _, rest in lines}


def _depmod(rootfs: Path, tree: Path, version: str) -> None:
    """Index the modules with the root file system's own ``depmod``: the host may have none, or another version."""
    inside = rootfs / _DEPMOD_AT
    shutil.rmtree(inside, ignore_errors=True)
    modules = tree / "usr/lib/modules"
    shutil.copytree(modules, inside / "lib/modules")
    try:
        run(["chroot", rootfs, "depmod", "-b", f"/{_DEPMOD_AT}", version], timeout=_MINUTE)
        shutil.copytree(inside / "lib/modules", modules, dirs_exist_ok=True)
    finally:
        shutil.rmtree(inside)
