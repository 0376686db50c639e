"""Counters of InfiniBand ports: ``perfquery`` (plain, ``-x``, several ports) under the names that sysfs gives them.

Source: recorded outputs; perfquery.c; InfiniBand specification volume 1, 16.1.3.5 and 16.1.4.11 for the widths. Counters
of the plain set stop at their highest value: what stands there has saturated and says nothing of what came after.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_HEAD = re.compile(r"^# Port (extended )?counters: Lid (\d+) port (\d+)\b", re.IGNORECASE)
_FIELD = re.compile(r"^([A-Za-z0-9]+):\.*(0x[0-9a-fA-F]+|\d+)$")

_IGNORED = re.compile(r"^ibwarn: .*ignore this counter$")

BITS = {
    "symbol_error": 16,
    "link_error_recovery": 8,
    "link_downed": 8,
    "port_rcv_errors": 16,
    "port_rcv_remote_physical_errors": 16,
    "port_rcv_switch_relay_errors": 16,
    "port_xmit_discards": 16,
    "port_xmit_constraint_errors": 8,
    "port_rcv_constraint_errors": 8,
    "local_link_integrity_errors": 4,
    "excessive_buffer_overrun_errors": 4,
    "VL15_dropped": 16,
    "qp1_dropped": 16,
}
"""Widths of the error counters of the plain set, by sysfs's names. sysfs shows the plain set too."""

_NAMES = {
    "SymbolErrorCounter": "symbol_error",
    "LinkErrorRecoveryCounter": "link_error_recovery",
    "LinkDownedCounter": "link_downed",
    "PortRcvErrors": "port_rcv_errors",
    "PortRcvRemotePhysicalErrors": "port_rcv_remote_physical_errors",
    "PortRcvSwitchRelayErrors": "port_rcv_switch_relay_errors",
    "PortXmitDiscards": "port_xmit_discards",
    "PortXmitConstraintErrors": "port_xmit_constraint_errors",
    "PortRcvConstraintErrors": "port_rcv_constraint_errors",
    "LocalLinkIntegrityErrors": "local_link_integrity_errors",
    "ExcessiveBufferOverrunErrors": "excessive_buffer_overrun_errors",
    "VL15Dropped": "VL15_dropped",
    "QP1Dropped": "qp1_dropped",
    "PortXmitData": "port_xmit_data",
    "PortRcvData": "port_rcv_data",
    "PortXmitPkts": "port_xmit_packets",
    "PortRcvPkts": "port_rcv_packets",
    "PortXmitWait": "port_xmit_wait",
    "PortUnicastXmitPkts": "unicast_xmit_packets",
    "PortUnicastRcvPkts": "unicast_rcv_packets",
    "PortMulticastXmitPkts": "multicast_xmit_packets",
    "PortMulticastRcvPkts": "multicast_rcv_packets",
}
_TRAFFIC = ("port_xmit_data", "port_rcv_data", "port_xmit_packets", "port_rcv_packets")
_ERRORS = tuple(name for name in BITS if name != "qp1_dropped")


@dataclass(frozen=True, slots=True)
class PortCounters:
    """The counters of one port. ``port``: ``LID/PORT`` in perfquery's words, ``DEVICE/PORT`` in sysfs's.

    ``saturated``: those that stand at their highest value; a delta of such a one is not known. ``errors`` is False for an
    extended set that has no error counters at all.
    """

    port: str
    extended: bool
    errors: bool
    counters: Mapping[str, int]
    saturated: tuple[str, ...]


def saturated(counters: Mapping[str, int]) -> tuple[str, ...]:
    """Which of a plain set's counters stand at their highest value."""
    return tuple(name for name, value in counters.items() if name in BITS and value >= (1 << BITS[name]) - 1)


def read_perfquery(text: str) -> tuple[PortCounters, ...]:
    """The counters of each port that was asked.

    Raises:
        Unreadable: no counters, a failed query, another line, or the set of a port is not whole.
    """
    found, head, fields = list[PortCounters](), None, dict[str, int]()
    lines = [line for line in ended_lines(text, "perfquery") if not _IGNORED.match(line)]
    for line in [*lines, "# Port counters: Lid 0 port 0"]:
        start, field = _HEAD.match(line), _FIELD.match(line)
        if start:
            if head is not None:
                found.append(_port(head, fields))
            head, fields = start, {}
        elif field and head is not None:
            if field[1] in _NAMES:
                fields[_NAMES[field[1]]] = _count(field[2])
        else:
            raise Unreadable(f"perfquery: not a line of it: {shown(line)}")
    return tuple(found)


def _port(head: re.Match[str], fields: dict[str, int]) -> PortCounters:
    port, extended = f"{int(head[2][:9])}/{int(head[3][:9])}", head[1] is not None
    errors = "symbol_error" in fields
    wanted = (*_TRAFFIC, *(_ERRORS if errors or not extended else ()))
    if missing := [name for name in wanted if name not in fields]:
        raise Unreadable(f"perfquery: port {port} has no {missing[0]}, so the output was cut or is another one")
    return PortCounters(port, extended, errors, fields, () if extended else saturated(fields))


def _count(text: str) -> int:
    return int(text[:18], 16) if text.startswith("0x") else int(text[:20])
