"""Software: which driver the kernel runs, which one is installed for its next boot, and what runs beside it."""

from __future__ import annotations

from collections.abc import Iterator

from burn_in.probes.commands import run


def collect(parameters: dict[str, object]) -> Iterator[dict[str, object]]:
    """Each program states its own version; no package database is asked, for a package is not what runs."""
    yield run("modules", ["cat", "/proc/modules"], 10)
    yield run("driver in the kernel", ["cat", "/proc/driver/nvidia/version"], 10)
    yield run("driver installed", ["modinfo", "-F", "version", "nvidia"], 10)
    yield run("licence", ["modinfo", "-F", "license", "nvidia"], 10)
    yield run("driver of each GPU", ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], 60)
    yield run("Fabric Manager", ["nv-fabricmanager", "--version"], 10)
    yield run("Fabric Manager's service", ["systemctl", "is-active", "nvidia-fabricmanager.service"], 10)
