"""Xid and SXid lines of a kernel log: what the NVIDIA driver reports of GPUs and of NVSwitches.

Source: recorded ``dmesg -T`` with Xid 119; NVIDIA's Xid catalogue and Fabric Manager guide for the forms. A log without
any is good news, so what is read must be a kernel log: ``dmesg`` (``-T``, ``-x``, ``--time-format iso``), ``journalctl -k``
or a syslog file, other programs' lines included.
"""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_STAMPED = re.compile(
    r"^(?:<\d+>|[a-z0-9]+ *:[a-z]+ *: )?(?:"
    r"\[ *\d+\.\d+\]"
    r"|\[[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}\]"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"
    r"|[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d(?:\.\d+)? \S+ [^:]{1,60}:"
    r")(?: |$)"
)
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)(?:, (.*))?$")
_SXID = re.compile(r"SXid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)(?:, (.*))?$")
_BROKEN = re.compile(r"\bS?Xid \(")
_PROCESS = re.compile(r"^pid='?([^',]*)'?, name=([^,]*), ")


@dataclass(frozen=True, slots=True)
class Xid:
    """One report. ``stamp``: the line's own time stamp, as the log writes it; ``text``: what follows the code."""

    address: str
    code: int
    stamp: str
    process: str
    text: str


@dataclass(frozen=True, slots=True)
class XidLog:
    """All reports of GPUs (``xids``) and of NVSwitches (``sxids``) in a log of so many lines."""

    lines: int
    xids: tuple[Xid, ...]
    sxids: tuple[Xid, ...]


def read_xids(text: str) -> XidLog:
    """Every Xid and SXid of a kernel log, in its order.

    Raises:
        Unreadable: empty, cut, not a kernel log, or an Xid in a form that is not known.
    """
    lines = ended_lines(text, "kernel log")
    xids, sxids, stamped = list[Xid](), list[Xid](), 0
    for line in lines:
        stamp = _STAMPED.match(line)
        stamped += stamp is not None
        if stamp is None and not (line.startswith("-- ") or (stamped and line[0].isspace())):
            raise Unreadable(f"not a line of a kernel log: {shown(line)}")
        for form, found in ((_XID, xids), (_SXID, sxids)):
            if match := form.search(line):
                found.append(_xid(stamp[0].strip() if stamp else "", match))
                break
        else:
            if _BROKEN.search(line):
                raise Unreadable(f"an Xid in an unknown form: {shown(line)}")
    if not stamped:
        raise Unreadable("not a kernel log: no line has a time stamp")
    return XidLog(len(lines), tuple(xids), tuple(sxids))


def _xid(stamp: str, match: re.Match[str]) -> Xid:
    address, text = match[1].lower(), match[3] or ""
    process = _PROCESS.match(text)
    name = f"{process[2]} ({process[1]})" if process else ""
    return Xid(address, int(match[2][:9]), stamp, name, text[process.end() :] if process else text)
