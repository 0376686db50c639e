"""``ibqueryerrors`` of infiniband-diags: ports with counters beyond its thresholds. Source: recorded outputs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_NODE = re.compile(r'^Errors for (?:0x[0-9a-fA-F]+ )?"(.*)"$')
_PORT = re.compile(r"^\s+GUID 0x([0-9a-fA-F]{1,16}) port (ALL|\d+): ?((?:\[\w+ == \d+(?: \([^)]*\))?\] ?)+)")
_COUNTER = re.compile(r"\[(\w+) == (\d+)")
_NODES = re.compile(r"^## Summary: (\d+) nodes checked, (\d+) bad nodes found$")
_PORTS = re.compile(r"^##\s+(\d+) ports checked, (\d+) ports have errors beyond threshold$")


@dataclass(frozen=True, slots=True)
class PortErrors:
    """One port of one node; ``port`` None: the sum over a switch. Counters by perfquery's names."""

    node: str
    guid: str
    port: int | None
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class QueriedErrors:
    """One survey: how much was checked, and each port with errors."""

    nodes_checked: int
    bad_nodes: int
    ports_checked: int
    bad_ports: int
    ports: tuple[PortErrors, ...]


def read_ibqueryerrors(text: str) -> QueriedErrors:
    """What was found.

    Raises:
        Unreadable: no summary (the survey failed, or the output was cut), or fewer ports than the summary counts.
    """
    node, ports = "", list[PortErrors]()
    nodes = checked = None
    for line in ended_lines(text, "ibqueryerrors"):
        if head := _NODE.match(line):
            node = head[1].strip()
        elif found := _PORT.match(line):
            counters = {name: int(value[:20]) for name, value in _COUNTER.findall(found[3])}
            port = None if found[2] == "ALL" else int(found[2][:4])
            ports.append(PortErrors(node, f"{int(found[1], 16):016x}", port, counters))
        elif found := _NODES.match(line):
            nodes = int(found[1][:9]), int(found[2][:9])
        elif found := _PORTS.match(line):
            checked = int(found[1][:9]), int(found[2][:9])
        elif not line.startswith(("##", " ")):
            raise Unreadable(f"ibqueryerrors: not a line of it: {shown(line)}")
    if nodes is None or checked is None:
        raise Unreadable("ibqueryerrors: no summary, so it failed or the output was cut")
    if len({(p.guid, p.port) for p in ports if p.port is not None}) < checked[1]:
        raise Unreadable(f"ibqueryerrors: the summary counts {checked[1]} ports with errors, fewer are listed")
    return QueriedErrors(nodes[0], nodes[1], checked[0], checked[1], tuple(ports))
