"""GPUs: what the PCI bus shows, what the driver says of each, and the loads that the level asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from burn_in.probes.commands import run
from burn_in.probes.gpu_load import load


def collect(parameters: dict[str, object]) -> Iterator[dict[str, object]]:
    """The PCI bus from sysfs (no lspci is needed), the kernel's log, then the driver, which may hang on a sick GPU.

    ``level`` says which loads follow. The log is read again after them: a load that passed with a new Xid did not pass.
    """
    level = str(parameters.get("level", "gate"))
    devices = Path("/sys/bus/pci/devices")
    files = [str(path) for name in ("vendor", "class") for path in devices.glob(f"*/{name}")]
    yield run("pci", ["grep", "-H", "", "/dev/null", *sorted(files)], 10)
    yield run("xid", ["dmesg", "--time-format", "iso"], 20)
    smi = run("nvidia-smi", ["nvidia-smi", "-q", "-x"], 60)
    yield smi
    gpus = str(smi.get("stdout", "")).count("<gpu id=")
    if gpus == 0:
        return
    yield run("nvlink-status", ["nvidia-smi", "nvlink", "-s"], 30)
    yield run("nvlink-errors", ["nvidia-smi", "nvlink", "-e"], 30)
    loaded = False
    for record in load(level, gpus):
        loaded = True
        yield record
    if loaded:
        yield run("nvlink-errors after", ["nvidia-smi", "nvlink", "-e"], 30)
        yield run("xid after", ["dmesg", "--time-format", "iso"], 20)
