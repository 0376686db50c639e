"""``lspci``, with or without ``-nn``, ``-D`` and ``-k``/``-v`` (their indented lines are passed over).

Source: recorded listings of GB200, A10 and A100 nodes; lspci(8). A device that has fallen off the bus reads as all ones,
which lspci shows as revision ff.
"""

import re
from dataclasses import dataclass

from burn_in.readers.pci import PciBus
from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_LINE = re.compile(r"^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ([^:\[]+?)(?: \[([0-9a-f]{4})\])?: (.+)$")
_IDS = re.compile(r" \[([0-9a-f]{4}):([0-9a-f]{4})\](?: \(rev [0-9a-f]{2}\))?(?: \(prog-if [^)]*\))?$")
_REVISION = re.compile(r"\(rev ([0-9a-f]{2})\)")
_GPU_CLASSES = ("3D controller", "VGA compatible controller", "Display controller")


@dataclass(frozen=True, slots=True)
class PciDevice:
    """One device. ``class_code``, ``vendor`` and ``device``: four hex digits, None without ``-nn``."""

    address: str
    class_name: str
    class_code: str | None
    name: str
    vendor: str | None
    device: str | None
    fallen: bool

    @property
    def nvidia_gpu(self) -> bool:
        """Whether it is a GPU of NVIDIA (NVSwitches are bridges)."""
        return self.class_name in _GPU_CLASSES and (self.vendor == "10de" or self.name.startswith("NVIDIA"))


def read_lspci(text: str) -> tuple[PciDevice, ...]:
    """All devices, in their order.

    Raises:
        Unreadable: no device, another line, or a line without the ids that the others have: the output was cut.
    """
    devices = list[PciDevice]()
    for line in plain_lines(text):
        if not line or (line[0].isspace() and devices):
            continue
        found = _LINE.match(line)
        if found is None:
            raise Unreadable(f"lspci: not a line of it: {shown(line)}")
        ids, revision = _IDS.search(found[4]), _REVISION.search(found[4])
        devices.append(
            PciDevice(
                address=found[1],
                class_name=found[2],
                class_code=found[3],
                name=found[4][: ids.start()] if ids else found[4].partition(" (rev ")[0],
                vendor=ids[1] if ids else None,
                device=ids[2] if ids else None,
                fallen=revision is not None and revision[1] == "ff",
            )
        )
    if not devices:
        raise Unreadable("lspci: no output")
    if len({d.vendor is None for d in devices} | {d.class_code is None for d in devices}) > 1:
        raise Unreadable("lspci: some lines have ids and others have none, so the output was cut")
    return tuple(devices)


def bus_of(devices: tuple[PciDevice, ...]) -> PciBus:
    """The same bus as sysfs shows it: all addresses, and those of NVIDIA's GPUs."""
    return PciBus(tuple(d.address for d in devices), tuple(d.address for d in devices if d.nvidia_gpu))
