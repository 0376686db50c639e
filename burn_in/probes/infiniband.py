"""InfiniBand: the ports as sysfs and ``ibstat`` show them, and whether each can talk to its subnet manager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from burn_in.probes.commands import run

_PORT_FILES = (
    "state",
    "phys_state",
    "rate",
    "link_layer",
    "lid",
    "sm_lid",
    "gids/0",
    "pkeys/*",
    "counters/*",
    "hw_counters/*",
)
_DEVICE_FILES = ("hca_type", "board_id", "fw_ver", "node_guid")


def collect(parameters: dict[str, object]) -> Iterator[dict[str, object]]:
    """sysfs, ``ibstat``, then ``sminfo`` through every port that ``ibstat`` lists.

    A port stays Active with its old LID after its subnet manager died, so each is asked to reach it.
    """
    devices = Path("/sys/class/infiniband")
    files = [str(path) for name in _DEVICE_FILES for path in devices.glob(f"*/{name}")]
    files += [str(path) for name in _PORT_FILES for path in devices.glob(f"*/ports/*/{name}")]
    yield run("sysfs-ib", ["grep", "-s", "-H", "", "/dev/null", *sorted(files)], 20)
    ibstat = run("ibstat", ["ibstat"], 20)
    yield ibstat
    for device, port in _ports(str(ibstat.get("stdout", ""))):
        yield run(f"sminfo {device}/{port}", ["sminfo", "-C", device, "-P", port], 10)


def _ports(text: str) -> Iterator[tuple[str, str]]:
    device = ""
    for line in text.splitlines():
        if found := re.match(r"CA '([^']+)'", line):
            device = found.group(1)
        elif (found := re.match(r"\s+Port (\d+):", line)) and device:
            yield device, found.group(1)
