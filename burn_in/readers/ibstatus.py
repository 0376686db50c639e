"""``ibstatus`` of infiniband-diags: a shell script over sysfs. Source: a recorded A100 node; the script."""

import re
from dataclasses import dataclass

from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_HEAD = re.compile(r"^Infiniband device '([^']+)' port (\d+) status:$")
_FIELD = re.compile(r"^\s+([a-z][a-z _]*):\s+(.*)$")
_STATE = re.compile(r"^\d+: *(\w+)$")
_RATE = re.compile(r"^(\d+(?:\.\d+)?) Gb/sec \((.+)\)$")
_LAYERS = ("InfiniBand", "Ethernet")


@dataclass(frozen=True, slots=True)
class IbStatus:
    """One port, with the kernel's own words: state ``ACTIVE``, physical state ``LinkUp``, rate ``400 Gb/sec (4X NDR)``."""

    device: str
    port: int
    gid: str
    lid: int
    sm_lid: int
    state: str
    physical_state: str
    rate_gbps: float
    rate: str
    link_layer: str


def read_ibstatus(text: str) -> tuple[IbStatus, ...]:
    """All ports.

    Raises:
        Unreadable: no port, another line, or a port without one of its fields: the output was cut.
    """
    found = list[tuple[str, int, dict[str, str]]]()
    for line in plain_lines(text):
        head, field = _HEAD.match(line), _FIELD.match(line)
        if head:
            found.append((head[1], int(head[2][:4]), {}))
        elif field and found:
            found[-1][2][field[1]] = field[2].strip()
        elif line:
            raise Unreadable(f"ibstatus: not a line of it: {shown(line)}")
    if not found:
        raise Unreadable("ibstatus: no output")
    return tuple(_port(device, port, fields) for device, port, fields in found)


def _port(device: str, port: int, fields: dict[str, str]) -> IbStatus:
    where = f"ibstatus: port {port} of {device}"
    try:
        state, physical = _STATE.match(fields["state"]), _STATE.match(fields["phys state"])
        rate, layer = _RATE.match(fields["rate"]), fields["link_layer"]
        if state is None or physical is None or rate is None or layer not in _LAYERS:
            raise Unreadable(f"{where} has a state, rate or link layer that the kernel doesn't write")
        return IbStatus(
            device=device,
            port=port,
            gid=fields["default gid"],
            lid=int(fields["base lid"], 16),
            sm_lid=int(fields["sm lid"], 16),
            state=state[1],
            physical_state=physical[1],
            rate_gbps=float(rate[1]),
            rate=fields["rate"],
            link_layer=layer,
        )
    except KeyError as missing:
        raise Unreadable(f"{where} has no {missing}, so the output was cut") from None
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"{where}: {error}") from None
