"""A disk image of somebody else's as a raw file: raw or qcow2, told by content, never by name.

The file is not trusted. A qcow2 may name other files of this host as its backing or data file, so its header is read
here before ``qemu-img`` sees it (source: QEMU's *qcow2* specification: big endian, backing file at byte 8, virtual size
at 24, encryption at 32, incompatible features at 72 from version 3 on, of which bit 2 is an external data file), and
``qemu-img`` runs with a bound on memory and processor time.
"""

import json
import struct
from datetime import timedelta
from pathlib import Path

from boot.image.command import run
from workflows.model.errors import Refused

#: More than any system image; what a header claims is believed up to here.
MAX_BYTES = 256 << 30
SECTOR = 512
_QCOW2 = b"QFI\xfb"
_HEADER = struct.Struct(">4sIQIIQI")
_FEATURES_AT, _EXTERNAL_DATA = 72, 1 << 2
_PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
#: qemu-img check: no error, or only clusters that nothing uses.
_SOUND = (0, 3)
_BOUNDED = ("prlimit", f"--as={2 << 30}", "--cpu=900", "--")
_LOOK, _CONVERT = timedelta(minutes=2), timedelta(minutes=30)


def as_raw(file: Path, work: Path) -> Path:
    """The raw disk: ``file`` itself, or what it was converted to in ``work``. Reads ``file``, never changes it.

    Raises:
        Refused: it is no raw or qcow2 image, needs another file, is encrypted, damaged, cut short or too large.
    """
    if not file.is_file():
        raise Refused(f"{file} is no file; name a raw or qcow2 disk image")
    with file.open("rb") as opened:
        head = opened.read(_FEATURES_AT + 8)
    for magic, kind in _PACKED.items():
        if head.startswith(magic):
            raise Refused(f"{file.name} is packed with {kind}; unpack it first")
    if head.startswith(_QCOW2):
        _check_header(file, head)
        return _converted(file, work)
    kind = str(_info(file).get("format"))
    if kind != "raw":
        raise Refused(
            f"{file.name} is a {kind} image; only raw and qcow2 are taken: qemu-img convert -O qcow2 makes one"
        )
    size = file.stat().st_size
    if size > MAX_BYTES or size % SECTOR or not size:
        raise Refused(f"{file.name} has {size} bytes, which is no whole disk; was its download cut short?")
    return file


def _check_header(file: Path, head: bytes) -> None:
    if len(head) < _FEATURES_AT + 8:
        raise Refused(f"{file.name} ends within its qcow2 header; was its download cut short?")
    _, version, backing, _, _, size, encryption = _HEADER.unpack_from(head)
    features = struct.unpack_from(">Q", head, _FEATURES_AT)[0] if version >= 3 else 0
    if backing or features & _EXTERNAL_DATA:
        raise Refused(
            f"{file.name} needs another file (backing or external data file); qemu-img convert makes it whole"
        )
    if encryption:
        raise Refused(f"{file.name} is encrypted; import the plain image")
    if size > MAX_BYTES:
        raise Refused(f"{file.name} says it holds {size} bytes, more than the {MAX_BYTES} that an image may have")


def _converted(file: Path, work: Path) -> Path:
    raw = work / "disk.img"
    try:
        # Where a cluster lies beyond the end of the file, reading gives zeros; only the check finds it.
        run([*_BOUNDED, "qemu-img", "check", "-q", "-f", "qcow2", file], timeout=_CONVERT, good=_SOUND)
    except Refused as error:
        last = str(error).splitlines()[-1]
        raise Refused(f"{file.name} is a damaged qcow2 image, or its download was cut short: {last}") from None
    run([*_BOUNDED, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", file, raw], timeout=_CONVERT)
    return raw


def _info(file: Path) -> dict[str, object]:
    try:
        found = json.loads(run([*_BOUNDED, "qemu-img", "info", "--output=json", file], timeout=_LOOK))
    except Refused as error:
        raise Refused(f"{file.name} is no disk image: {str(error).splitlines()[-1]}") from None
    return dict(found)
