"""GPUs: what the PCI bus shows, what the driver says of each, and what it wrote into the kernel log since boot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from burn_in.probes.commands import run


def collect(parameters: dict[str, object]) -> Iterator[dict[str, object]]:
    """The PCI bus from sysfs (no lspci is needed), then ``nvidia-smi``, which may hang on a sick GPU, and ``dmesg``."""
    devices = Path("/sys/bus/pci/devices")
    files = [str(path) for name in ("vendor", "class") for path in devices.glob(f"*/{name}")]
    yield run("pci", ["grep", "-H", "", "/dev/null", *sorted(files)], 10)
    yield run("nvidia-smi", ["nvidia-smi", "-q", "-x"], 60)
    yield run("nvlink-status", ["nvidia-smi", "nvlink", "-s"], 60)
    yield run("xid", ["dmesg", "--time-format", "iso"], 20)
