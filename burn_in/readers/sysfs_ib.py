"""InfiniBand devices as sysfs shows them: ``grep -r -H '' /sys/class/infiniband/`` or the same with listed files.

Source: a recorded tree of an H100 node; the kernel's Documentation/ABI/stable/sysfs-class-infiniband. The path may begin
anywhere: what counts is ``DEVICE/FILE`` and ``DEVICE/ports/N/…``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from burn_in.readers.port_counters import PortCounters, saturated
from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_PORT_FILE = re.compile(r"^(?:.*/)?([A-Za-z][\w.-]*)/ports/(\d+)/([\w./-]+):(.*)$")
_DEVICE_FILE = re.compile(r"^(?:.*/)?([A-Za-z][\w.-]*)/([\w.-]+):(.*)$")
_STATE = re.compile(r"^\d+: *(\w+)$")
_RATE = re.compile(r"^([\d.]+) Gb/sec(?: \((\d+X \w+|.*)\))?$")
_NUMBER = re.compile(r"^(0x[0-9a-fA-F]{1,16}|\d{1,20})$")


@dataclass(frozen=True, slots=True)
class SysfsPort:
    """One port. ``state`` and ``physical_state`` as the kernel names them (``ACTIVE``, ``LinkUp``).

    ``lid`` and ``sm_lid`` are None where the tree has no such file; ``hardware``: the driver's own counters;
    ``pkeys``: those that are set.
    """

    device: str
    port: int
    state: str
    physical_state: str
    link_layer: str
    rate_gbps: float
    rate: str
    lid: int | None
    sm_lid: int | None
    gid: str | None
    pkeys: tuple[int, ...]
    counters: PortCounters | None
    hardware: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SysfsDevice:
    """One adapter."""

    name: str
    hca_type: str | None
    board_id: str | None
    firmware: str | None
    node_guid: str | None
    ports: tuple[SysfsPort, ...]


def read_sysfs_ib(text: str) -> tuple[SysfsDevice, ...]:
    """All adapters, by name.

    Raises:
        Unreadable: a line that is none of the tree, a port without its state, or nothing.
    """
    devices: dict[str, dict[str, str]] = {}
    ports: dict[tuple[str, int], dict[str, str]] = {}
    for line in ended_lines(text, "sysfs"):
        if line.startswith("grep: ") and line.endswith((": Is a directory", ": Invalid argument")):
            continue
        if found := _PORT_FILE.match(line):
            devices.setdefault(found[1], {})
            ports.setdefault((found[1], int(found[2][:4])), {})[found[3]] = found[4].strip()
        elif found := _DEVICE_FILE.match(line):
            devices.setdefault(found[1], {})[found[2]] = found[3].strip()
        else:
            raise Unreadable(f"sysfs: not a line of an InfiniBand tree: {shown(line)}")
    if not ports:
        raise Unreadable("sysfs: it lists no port of an adapter")
    return tuple(_device(name, files, ports) for name, files in sorted(devices.items()))


def _device(name: str, files: dict[str, str], ports: dict[tuple[str, int], dict[str, str]]) -> SysfsDevice:
    own = tuple(_port(name, n, f) for (device, n), f in sorted(ports.items()) if device == name)
    return SysfsDevice(
        name=name,
        hca_type=files.get("hca_type") or None,
        board_id=files.get("board_id") or None,
        firmware=files.get("fw_ver") or None,
        node_guid=files.get("node_guid") or None,
        ports=own,
    )


def _port(device: str, number: int, files: dict[str, str]) -> SysfsPort:
    where = f"sysfs: port {number} of {device}"
    try:
        state, physical, rate = _STATE.match(files["state"]), _STATE.match(files["phys_state"]), files["rate"]
        layer, speed = files["link_layer"], _RATE.match(files["rate"])
    except KeyError as missing:
        raise Unreadable(f"{where} has no {missing}") from None
    if state is None or physical is None or speed is None or layer not in ("InfiniBand", "Ethernet"):
        raise Unreadable(f"{where} has a state, rate or link layer that the kernel doesn't write")
    plain = _numbers(where, files, "counters/")
    return SysfsPort(
        device=device,
        port=number,
        state=state[1],
        physical_state=physical[1],
        link_layer=layer,
        rate_gbps=_rate(where, speed[1]),
        rate=rate,
        lid=_maybe(where, files, "lid"),
        sm_lid=_maybe(where, files, "sm_lid"),
        gid=files.get("gids/0"),
        pkeys=tuple(value for value in _numbers(where, files, "pkeys/").values() if value),
        counters=PortCounters(f"{device}/{number}", False, True, plain, saturated(plain)) if plain else None,
        hardware=_numbers(where, files, "hw_counters/"),
    )


def _numbers(where: str, files: dict[str, str], directory: str) -> dict[str, int]:
    return {
        path.removeprefix(directory): _number(where, path, value)
        for path, value in files.items()
        if path.startswith(directory)
    }


def _maybe(where: str, files: dict[str, str], file: str) -> int | None:
    return _number(where, file, files[file]) if file in files else None


def _number(where: str, file: str, value: str) -> int:
    if not _NUMBER.match(value):
        raise Unreadable(f"{where}: {file} is {shown(value)!r}, no number")
    return int(value, 0) if value.startswith("0x") else int(value)


def _rate(where: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Unreadable(f"{where}: {text!r} is no rate") from None
