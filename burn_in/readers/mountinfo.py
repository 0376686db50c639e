"""``/proc/self/mountinfo``. Source: proc(5), kernel's Documentation/filesystems/proc.rst, section 3.5."""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines
from burn_in.readers.unreadable import Unreadable

_OCTAL = re.compile(r"\\([0-7]{3})")
_FEWEST_FIELDS = 6


@dataclass(frozen=True, slots=True)
class MountPoint:
    """One mount. ``options`` are those of the mount and of its super block together."""

    target: str
    source: str
    fstype: str
    options: frozenset[str]


def read_mountinfo(text: str) -> tuple[MountPoint, ...]:
    """All mounts, in the order in which they were made: of two on one target the later one hides the earlier.

    Raises:
        Unreadable: a line is none of mountinfo, or there is none at all.
    """
    mounts = []
    for line in ended_lines(text, "mountinfo"):
        before, dash, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if not dash or len(left) < _FEWEST_FIELDS or len(right) < 2:
            raise Unreadable(f"not a line of mountinfo: {line[:80]!r}")
        options = frozenset(left[5].split(",")) | frozenset(right[2].split(",") if len(right) > 2 else ())
        mounts.append(MountPoint(_plain(left[4]), _plain(right[1]), right[0], options - {""}))
    return tuple(mounts)


def _plain(text: str) -> str:
    """Blanks, tabs, newlines and backslashes stand as octal numbers in names."""
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), text)
