"""The PCI bus as ``grep -H '' /sys/bus/pci/devices/*/{vendor,class}`` prints it."""

import re
from dataclasses import dataclass

from burn_in.readers.text import plain_lines
from burn_in.readers.unreadable import Unreadable

_LINE = re.compile(
    r"^/sys/bus/pci/devices/([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/(vendor:0x[0-9a-f]{4}|class:0x[0-9a-f]{6})$"
)
_NVIDIA = 0x10DE
_DISPLAY = 0x03


@dataclass(frozen=True, slots=True)
class PciBus:
    """Addresses of all devices, and of those that are NVIDIA GPUs (vendor 10de, base class 03: display)."""

    devices: tuple[str, ...]
    nvidia_gpus: tuple[str, ...]


def read_pci(text: str) -> PciBus:
    """What is on the bus.

    Raises:
        Unreadable: another line, a device without vendor or class, or no device at all.
    """
    found: dict[str, dict[str, int]] = {}
    for line in filter(None, plain_lines(text)):
        match = _LINE.match(line)
        if match is None:
            raise Unreadable(f"not a line of the PCI listing: {line[:80]!r}")
        name, _, value = match[2].partition(":")
        found.setdefault(match[1], {})[name] = int(value, 16)
    if not found:
        raise Unreadable("the PCI listing is empty")
    if half := next((address for address, values in found.items() if len(values) < 2), None):
        raise Unreadable(f"the PCI listing has no vendor or class of {half}")
    gpus = [a for a, v in found.items() if v["vendor"] == _NVIDIA and v["class"] >> 16 == _DISPLAY]
    return PciBus(tuple(sorted(found)), tuple(sorted(gpus)))
