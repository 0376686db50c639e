"""InfiniBand: the ports as sysfs and ``ibstat`` show them, and whether each can talk to its subnet manager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from burn_in.probes.commands import run
from burn_in.probes.infiniband_load import load

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
_UP = {"State: Active", "Link layer: InfiniBand"}
_DEVICE_FILES = ("hca_type", "board_id", "fw_ver", "node_guid")


def collect(parameters: dict[str, object]) -> Iterator[dict[str, object]]:
    """sysfs, ``ibstat``, then ``sminfo`` through every port that ``ibstat`` lists; the loads that ``level`` asks for.

    A port stays Active with its old LID after its subnet manager died, so each is asked to reach it. Counters are read
    again after the loads: what they were before says nothing.
    """
    yield _sysfs("sysfs-ib")
    ibstat = run("ibstat", ["ibstat"], 20)
    yield ibstat
    text = str(ibstat.get("stdout", ""))
    for device, port, _ in _ports(text):
        yield run(f"sminfo {device}/{port}", ["sminfo", "-C", device, "-P", port], 10)
    loaded = False
    up = [(device, port) for device, port, fields in _ports(text) if fields >= _UP]
    for record in load(str(parameters.get("level", "gate")), up):
        loaded = True
        yield record
    if loaded:
        yield _sysfs("sysfs-ib after")


def _sysfs(name: str) -> dict[str, object]:
    devices = Path("/sys/class/infiniband")
    files = [str(path) for file in _DEVICE_FILES for path in devices.glob(f"*/{file}")]
    files += [str(path) for file in _PORT_FILES for path in devices.glob(f"*/ports/*/{file}")]
    return run(name, ["grep", "-s", "-H", "", "/dev/null", *sorted(files)], 20)


def _ports(text: str) -> Iterator[tuple[str, str, set[str]]]:
    """Device, port and the lines that ibstat says of it."""
    device, found = "", list[tuple[str, str, set[str]]]()
    for line in text.splitlines():
        if match := re.match(r"CA '([^']+)'", line):
            device = match.group(1)
        elif (match := re.match(r"\s+Port (\d+):", line)) and device:
            found.append((device, match.group(1), set()))
        elif found:
            found[-1][2].add(line.strip())
    return iter(found)
