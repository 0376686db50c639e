"""``image import``: which file is taken, which file system is the root, and that a refusal publishes nothing.

The disks are made by the programs that make real ones; nothing is mounted.
"""

import hashlib
import json
import os
import subprocess
import uuid
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from app.main import build
from boot.image.import_image import import_image
from boot.image.partitions import choose_root, read_partitions
from workflows.model.errors import Refused

pytestmark = pytest.mark.real

MIB = 1 << 20
ZEROS = bytes(MIB)
ESP, ROOT_X86, XBOOTLDR, HOME, LINUX = (
    "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
    "BC13C2FF-59E6-4262-A352-B275FD6F7172",
    "933AC7E1-2EB4-4F13-B844-0E14E2AEF915",
    "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
)
MAKERS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-U"),
    "xfs": ("mkfs.xfs", "-q", "-m"),
    "btrfs": ("mkfs.btrfs", "-q", "-U"),
    "vfat": ("mkfs.vfat", "-i"),
}
type Part = tuple[str, str, int]


def run(*argv: str | Path, stdin: str = "") -> None:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    subprocess.run(argv, input=stdin, text=True, check=True, capture_output=True, env=os.environ | {"PATH": path})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def uuid_of(number: int) -> str:
    return str(uuid.UUID(int=0x51 << 120 | number))


def make_disk(directory: Path, *parts: Part, label: str = "gpt") -> Path:
    """A raw disk of partitions given by type, file system and MiB; partition n has ``uuid_of(n)``."""
    disk, at, table = directory / "disk.raw", 1, f"label: {label}\n"
    for kind, _, size in parts:
        table += f"start={at}MiB, size={size}MiB, type={kind}\n"
        at += size
    with disk.open("wb") as file:
        file.truncate((at + 1) * MIB)
    run("sfdisk", "-q", disk, stdin=table)
    at = 1
    for number, (_, file_system, size) in enumerate(parts, 1):
        if file_system:
            _put(directory, disk, at, number, file_system, size)
        at += size
    return disk


def _put(directory: Path, disk: Path, at: int, number: int, file_system: str, size: int) -> None:
    made = directory / "fs"
    with made.open("wb") as file:
        file.truncate(size * MIB)
    own = {"vfat": f"{number:08x}", "xfs": f"uuid={uuid_of(number)}"}.get(file_system, uuid_of(number))
    run(*MAKERS[file_system], own, made)
    with made.open("rb") as source, disk.open("r+b") as target:
        for block in range(size):
            if (data := source.read(MIB)) != ZEROS:
                target.seek((at + block) * MIB)
                target.write(data)
    made.unlink()


def as_qcow2(disk: Path, *options: str) -> Path:
    target = disk.with_suffix(".img")
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, disk, target)
    return target


def refusal(directory: Path, file: Path, root: str | None = None) -> str:
    """The one sentence of a refusal, after a look that nothing was left behind."""
    with pytest.raises(Refused) as refused:
        import_image(file, directory / "artifacts", directory / "work", root=root)
    assert not list((directory / "artifacts").glob("*"))
    assert not list((directory / "work").glob("*"))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_an_image_is_published_by_content_with_a_record_that_the_agent_can_check(form: str, tmp_path: Path) -> None:
    raw = make_disk(tmp_path, (ESP, "vfat", 34), (ROOT_X86, "ext4", 16))
    file = raw if form == "raw" else as_qcow2(raw)
    config = {"settings": {"site": "lab"}, "profiles": "p", "secrets": "s", "data": "d"}
    boot = {"http_url": "http://b", "https_url": "https://b", "artifacts": "artifacts", "certificates": "c"}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(config | {"boot": boot}))
    command = ["--config", str(tmp_path / "site.yaml"), "image", "import", str(file), "--name", "noble"]
    image = json.loads(CliRunner().invoke(build(), command, catch_exceptions=False).output)["image"]
    assert (image["name"], image["root_uuid"]) == ("noble", uuid_of(2))
    assert (image["raw_size"], image["raw_sha256"]) == (raw.stat().st_size, sha256(raw.read_bytes()))
    (published,) = (tmp_path / "artifacts").iterdir()
    data = published.read_bytes()
    assert (published.name, image["sha256"], image["size"]) == (sha256(data), sha256(data), len(data))
    assert subprocess.run(["zstd", "-dcq", published], capture_output=True, check=True).stdout == raw.read_bytes()


@pytest.mark.parametrize("file_system", ["ext4", "xfs", "btrfs"])
@pytest.mark.parametrize(("label", "kind"), [("gpt", LINUX), ("dos", "83")])
def test_the_root_is_found_in_both_kinds_of_table(file_system: str, label: str, kind: str, tmp_path: Path) -> None:
    disk = make_disk(tmp_path, (kind, "ext4", 20), (kind, file_system, 320), label=label)
    assert choose_root(read_partitions(disk)).uuid == uuid_of(2)


def test_the_partition_type_decides_before_the_size(tmp_path: Path) -> None:
    disk = make_disk(tmp_path, (XBOOTLDR, "ext4", 40), (ROOT_X86, "ext4", 8), (HOME, "ext4", 80))
    assert choose_root(read_partitions(disk)).number == 2


@pytest.mark.parametrize(
    "parts",
    [
        ((ROOT_X86, "ext4", 8), (ROOT_X86, "ext4", 60)),
        ((LINUX, "ext4", 20), (LINUX, "ext4", 30)),
    ],
    ids=["two that say root", "two of nearly one size"],
)
def test_two_roots_are_refused_with_the_list_until_a_person_chooses(parts: tuple[Part, ...], tmp_path: Path) -> None:
    disk = make_disk(tmp_path, *parts)
    said = refusal(tmp_path, disk)
    assert "--root" in said
    assert uuid_of(1) in said
    assert uuid_of(2) in said
    partitions = read_partitions(disk)
    assert choose_root(partitions, "1").uuid == choose_root(partitions, uuid_of(1).upper()).uuid == uuid_of(1)
    assert "names no" in refusal(tmp_path, disk, root="7")


def test_a_disk_without_a_linux_file_system_says_what_it_has(tmp_path: Path) -> None:
    assert "1: vfat" in refusal(tmp_path, make_disk(tmp_path, (ESP, "vfat", 34), (LINUX, "", 8)))


def test_a_file_that_is_no_whole_disk_is_refused(tmp_path: Path) -> None:
    disk = make_disk(tmp_path, (ROOT_X86, "ext4", 16))
    small = tmp_path / "short.raw"
    small.write_bytes(disk.read_bytes()[: 8 * MIB])
    assert "cut short" in refusal(tmp_path, small)
    small.write_bytes(disk.read_bytes()[: 8 * MIB - 100])
    assert "cut short" in refusal(tmp_path, small)
    small.write_text("hello, this is no disk\n" * 512)
    assert "no partition table" in refusal(tmp_path, small)
    small.write_bytes(b"")
    assert "cut short" in refusal(tmp_path, small)
    assert "is no file" in refusal(tmp_path, tmp_path / "gone")
    small.write_bytes(b"\x1f\x8b" + bytes(1022))
    assert "gzip" in refusal(tmp_path, small)


def test_a_damaged_qcow2_is_refused_before_its_holes_are_read_as_zeros(tmp_path: Path) -> None:
    whole = as_qcow2(make_disk(tmp_path, (ROOT_X86, "ext4", 16)), "-S", "0")
    for size in (whole.stat().st_size - 4 * MIB, 60):
        cut = tmp_path / "cut.qcow2"
        cut.write_bytes(whole.read_bytes()[:size])
        assert "cut short" in refusal(tmp_path, cut)


def test_an_image_that_needs_another_file_of_this_host_is_refused_unread(tmp_path: Path) -> None:
    base = as_qcow2(make_disk(tmp_path, (ROOT_X86, "ext4", 16)))
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", tmp_path / "overlay")
    assert "needs another file" in refusal(tmp_path, tmp_path / "overlay")
    option = f"data_file={tmp_path / 'data.raw'}"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", option, tmp_path / "outside", "64M")
    assert "needs another file" in refusal(tmp_path, tmp_path / "outside")


def test_other_formats_are_named(tmp_path: Path) -> None:
    disk = make_disk(tmp_path, (ROOT_X86, "ext4", 16))
    run("qemu-img", "convert", "-f", "raw", "-O", "vmdk", disk, tmp_path / "disk.qcow2")
    assert "is a vmdk image" in refusal(tmp_path, tmp_path / "disk.qcow2")


def test_an_image_that_claims_to_be_enormous_is_refused(tmp_path: Path) -> None:
    run("qemu-img", "create", "-q", "-f", "qcow2", tmp_path / "huge", "64T")
    assert "more than" in refusal(tmp_path, tmp_path / "huge")
