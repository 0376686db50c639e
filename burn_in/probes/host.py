"""The host around the GPUs: processors, memory and its errors, clock, NVMe disks, what the PCI bus lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from burn_in.probes.commands import run

_MEMORY = Path("/sys/devices/system/edac/mc")
_MEMORY_FILES = (
    "mc*/ce_count",
    "mc*/ue_count",
    "mc*/dimm*/dimm_label",
    "mc*/dimm*/dimm_ce_count",
    "mc*/dimm*/dimm_ue_count",
    "mc*/rank*/dimm_label",
    "mc*/rank*/dimm_ce_count",
    "mc*/rank*/dimm_ue_count",
)


def collect(parameters: dict[str, object]) -> Iterator[dict[str, object]]:
    """Everything that a glance shows; each command is named as its kind (``burn_in/readers/catalog.py``)."""
    yield run("lscpu", ["lscpu"], 20)
    yield run("meminfo", ["cat", "/proc/meminfo"], 10)
    yield run("cmdline", ["cat", "/proc/cmdline"], 10)
    files = sorted(str(path) for pattern in _MEMORY_FILES for path in _MEMORY.glob(pattern))
    yield run("edac", ["grep", "-H", "", "/dev/null", *files], 10)
    yield run("chronyc", ["chronyc", "-c", "tracking"], 10)
    yield run("lspci", ["lspci", "-nn", "-D"], 20)
    for disk in sorted(Path("/sys/class/nvme").glob("nvme*")):
        yield run(f"nvme-smart-log {disk.name}", ["nvme", "smart-log", f"/dev/{disk.name}", "-o", "json"], 20)
