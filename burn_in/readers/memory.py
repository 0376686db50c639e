"""Memory: ``/proc/meminfo``, and the EDAC counters of the memory controllers as ``grep -r -H ''`` prints sysfs.

Source: proc_meminfo(5); the kernel's Documentation/ABI/testing/sysfs-devices-edac.
"""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_MEMINFO = re.compile(r"^([A-Za-z][\w()]*): +(\d{1,18})( kB)?$")
_COUNTER = re.compile(
    r"^(?:.*/)?(mc\d+)/(?:((?:dimm|rank)\d+)/)?(ce_count|ue_count|dimm_ce_count|dimm_ue_count|dimm_label):(.*)$"
)
_EDAC_FILE = re.compile(r"^(?:.*/)?mc\d+/[\w./-]+:.*$")


@dataclass(frozen=True, slots=True)
class MemInfo:
    """Sizes in bytes; ``huge_pages`` counts pages of ``huge_page_bytes``."""

    total: int
    available: int
    huge_pages: int
    huge_page_bytes: int


@dataclass(frozen=True, slots=True)
class Dimm:
    """One DIMM or rank of a controller, with the label that the firmware gives it. None: the driver doesn't count it."""

    name: str
    label: str
    correctable: int | None
    uncorrectable: int | None


@dataclass(frozen=True, slots=True)
class MemoryController:
    """Errors since the driver was loaded."""

    name: str
    correctable: int
    uncorrectable: int
    dimms: tuple[Dimm, ...]


def read_meminfo(text: str) -> MemInfo:
    """The node's memory.

    Raises:
        Unreadable: not the file, or only a part of it.
    """
    found: dict[str, int] = {}
    for line in ended_lines(text, "meminfo"):
        match = _MEMINFO.match(line)
        if match is None:
            raise Unreadable(f"meminfo: not a line of it: {shown(line)}")
        found[match[1]] = int(match[2]) * (1024 if match[3] else 1)
    try:
        return MemInfo(
            found["MemTotal"], found["MemAvailable"], found["HugePages_Total"], found["Hugepagesize"]
        )  # fmt: skip
    except KeyError as missing:
        raise Unreadable(f"meminfo: no {missing}, so it was cut or is another kernel's") from None


def read_edac(text: str) -> tuple[MemoryController, ...]:
    """All memory controllers. A node without any has no driver for them: that is unreadable, not free of errors.

    Raises:
        Unreadable: no controller, another line, or a controller without its two counters.
    """
    counts: dict[str, dict[str, int]] = {}
    dimms: dict[str, dict[str, dict[str, str]]] = {}
    for line in ended_lines(text, "EDAC"):
        found = _COUNTER.match(line)
        if found is None:
            if _EDAC_FILE.match(line) or (line.startswith("grep: ") and line.endswith(": Is a directory")):
                continue
            raise Unreadable(f"EDAC: not a line of its tree: {shown(line)}")
        dimms.setdefault(found[1], {})
        if found[2]:
            dimms[found[1]].setdefault(found[2], {})[found[3]] = found[4].strip()
        else:
            counts.setdefault(found[1], {})[found[3]] = _count(found[1], found[4])
    if not counts:
        raise Unreadable("EDAC: no memory controller")
    return tuple(_controller(name, counts.get(name, {}), parts) for name, parts in sorted(dimms.items()))


def _controller(name: str, counts: dict[str, int], dimms: dict[str, dict[str, str]]) -> MemoryController:
    try:
        correctable, uncorrectable = counts["ce_count"], counts["ue_count"]
    except KeyError as missing:
        raise Unreadable(f"EDAC: {name} has no {missing}") from None
    return MemoryController(
        name,
        correctable,
        uncorrectable,
        tuple(
            Dimm(
                name=f"{name}/{dimm}",
                label=files.get("dimm_label", ""),
                correctable=_count(name, files["dimm_ce_count"]) if "dimm_ce_count" in files else None,
                uncorrectable=_count(name, files["dimm_ue_count"]) if "dimm_ue_count" in files else None,
            )
            for dimm, files in sorted(dimms.items())
        ),
    )


def _count(name: str, text: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdecimal() and len(plain) < 19):
        raise Unreadable(f"EDAC: {name} counts {shown(plain)!r}")
    return int(plain)
