"""``chronyc tracking``, printed or as ``chronyc -c tracking``. Source: chronyc(1); chrony 4's client.c."""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, finite, shown
from burn_in.readers.unreadable import Unreadable

_FIELDS = 14
_LEAP = {"Normal", "Insert second", "Delete second", "Not synchronised"}
_OFFSET = re.compile(r"^(\d+\.\d+) seconds (slow|fast) of NTP time$")
_SECONDS = re.compile(r"^([+-]?\d+\.\d+) seconds$")


@dataclass(frozen=True, slots=True)
class Tracking:
    """The clock against its source. Seconds; a positive ``offset_s``: the clock is slow. ``source`` is empty without one."""

    source: str
    stratum: int
    offset_s: float
    rms_offset_s: float
    leap: str

    @property
    def synchronised(self) -> bool:
        """Whether chrony says that it follows a source; its own clock (stratum 10, local) is none."""
        return self.leap != "Not synchronised" and 0 < self.stratum < 16 and bool(self.source)


def read_chrony(text: str) -> Tracking:
    """How the clock stands.

    Raises:
        Unreadable: no answer of chronyd, half of it, or a field that is not known.
    """
    lines = ended_lines(text, "chronyc")
    return _csv(lines[0]) if len(lines) == 1 else _printed(lines)


def _csv(line: str) -> Tracking:
    parts = line.split(",")
    if len(parts) != _FIELDS:
        raise Unreadable(f"chronyc: not the line of -c tracking: {shown(line)}")
    return _tracking(parts[1], parts[2], finite(parts[4], "chronyc"), finite(parts[6], "chronyc"), parts[13])


def _printed(lines: list[str]) -> Tracking:
    fields = {name.strip(): value.strip() for line in lines for name, _, value in [line.partition(" : ")]}
    try:
        reference, offset = fields["Reference ID"], _OFFSET.match(fields["System time"])
        rms, stratum, leap = _SECONDS.match(fields["RMS offset"]), fields["Stratum"], fields["Leap status"]
    except KeyError as missing:
        raise Unreadable(f"chronyc: no {missing}: {shown(lines[0])}") from None
    if offset is None or rms is None:
        raise Unreadable("chronyc: an offset in an unknown form")
    source = reference.partition("(")[2].rstrip(")")
    sign = 1 if offset[2] == "slow" else -1
    return _tracking(source, stratum, sign * finite(offset[1], "chronyc"), finite(rms[1], "chronyc"), leap)


def _tracking(source: str, stratum: str, offset: float, rms: float, leap: str) -> Tracking:
    if leap not in _LEAP or not (stratum.isascii() and stratum.isdecimal() and len(stratum) < 4):
        raise Unreadable(f"chronyc: a stratum or leap status that is not known: {shown(f'{stratum}, {leap}')}")
    return Tracking(source, int(stratum), offset, rms, leap)
