"""What the driver and its companions say of their versions.

Sources: ``/proc/driver/nvidia/version`` of the open modules (``NVIDIA UNIX Open Kernel Module for x86_64  580.95.05``) and
of the proprietary ones (``NVIDIA UNIX x86_64 Kernel Module  535.216.03``), NVIDIA/open-gpu-kernel-modules ``nv.c``;
``nv-fabricmanager --version`` (``Fabric Manager version is : 580.95.05``), Fabric Manager user guide.
"""

import re
from dataclasses import dataclass

from burn_in.readers.unreadable import Unreadable
from workflows.model.gpu import Modules

_VERSION = r"(\d{3}\.\d{2,3}(?:\.\d{2})?)"
_IN_KERNEL = re.compile(rf"^NVRM version: +NVIDIA UNIX (Open )?.*Kernel Module .*?{_VERSION}\s", re.MULTILINE)
_FABRIC_MANAGER = re.compile(rf"Fabric Manager version is *: *{_VERSION}\s*$", re.MULTILINE)
_MODULE = re.compile(r"^([\w-]+) \d+ -?\d+ \S+ (?:Live|Loading|Unloading) ")
_PLAIN = re.compile(rf"^{_VERSION}$")


@dataclass(frozen=True, slots=True)
class DriverInKernel:
    """The driver that the kernel runs now."""

    version: str
    modules: Modules


def read_driver_in_kernel(text: str) -> DriverInKernel:
    """``/proc/driver/nvidia/version``. Raises Unreadable where that isn't what it shows."""
    found = _IN_KERNEL.search(text)
    if found is None:
        raise Unreadable("/proc/driver/nvidia/version names no driver")
    return DriverInKernel(found[2], Modules.OPEN if found[1] else Modules.PROPRIETARY)


def read_versions(text: str) -> tuple[str, ...]:
    """One version a line, as ``modinfo -F version`` and ``nvidia-smi`` print them; each once. Raises Unreadable."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or not all(_PLAIN.match(line) for line in lines):
        raise Unreadable(f"not a list of driver versions: {' '.join(text.split())[:100]!r}")
    return tuple(sorted(set(lines)))


def read_fabric_manager(text: str) -> str:
    """``nv-fabricmanager --version``. Raises Unreadable where it names none."""
    found = _FABRIC_MANAGER.search(text)
    if found is None:
        raise Unreadable("nv-fabricmanager names no version")
    return found[1]


def read_modules(text: str) -> frozenset[str]:
    """The names of ``/proc/modules``, all that the kernel has loaded. Raises Unreadable where it is no such list."""
    found = [_MODULE.match(line) for line in text.splitlines()]
    if not found or not all(found):
        raise Unreadable("/proc/modules is no list of modules")
    return frozenset(line[1] for line in found if line)
