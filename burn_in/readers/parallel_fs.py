"""What parallel file systems say of themselves: ``lctl get_param health_check`` (Lustre), ``mmgetstate`` (Storage Scale).

Source: Lustre manual and wiki (Lustre_Health_Checks); IBM's documentation of mmgetstate, printed and ``-Y``.
"""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_HEALTH = re.compile(r"^health_check=(.*)$")
_DETAIL = re.compile(r"^(?:device|LBUG|.*reported)\b.*$")
_ROW = re.compile(r"^\s+(\d+)\s+(\S+)\s+(?:[\d*]+\s+\d+\s+\d+\s+)?([a-z]+)(?:\s+.*)?$")
_STATES = {"active", "arbitrating", "down", "unknown", "unresponsive"}


@dataclass(frozen=True, slots=True)
class LustreHealth:
    """The client's own view. ``details``: what it complains of."""

    healthy: bool
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScaleNode:
    """One node of a Storage Scale cluster. Only ``active`` serves."""

    number: int
    name: str
    state: str


def read_lustre_health(text: str) -> LustreHealth:
    """Whether Lustre says that it is healthy.

    Raises:
        Unreadable: no such parameter: the modules aren't loaded, or it is another output.
    """
    words, details = None, list[str]()
    for line in ended_lines(text, "lctl"):
        if found := _HEALTH.match(line):
            words = found[1].strip()
        elif words is not None or _DETAIL.match(line):
            details.append(shown(line))
        else:
            raise Unreadable(f"lctl: not the health check: {shown(line)}")
    if words is None or words not in ("healthy", "NOT HEALTHY", "LBUG", ""):
        raise Unreadable(f"lctl: no health check, or a word that is not known: {shown(words or text)}")
    return LustreHealth(words == "healthy" and not details, tuple(details))


def read_scale_state(text: str) -> tuple[ScaleNode, ...]:
    """The nodes that were asked.

    Raises:
        Unreadable: no node, another output, or a state that is not documented.
    """
    lines = ended_lines(text, "mmgetstate")
    colons = [line.split(":") for line in lines if line.startswith("mmgetstate:")]
    nodes = _machine_readable(colons) if colons else _printed(lines)
    if not nodes:
        raise Unreadable(f"mmgetstate: it lists no node: {shown(text)}")
    if odd := next((n.state for n in nodes if n.state not in _STATES), None):
        raise Unreadable(f"mmgetstate: a state that is not documented: {shown(odd)}")
    return tuple(nodes)


def _printed(lines: list[str]) -> list[ScaleNode]:
    ruler = next((n for n, line in enumerate(lines) if set(line.strip()) == {"-"}), None)
    if ruler is None:
        raise Unreadable(f"mmgetstate: not a line of it: {shown(lines[0])}")
    rows = [(_ROW.match(line), line) for line in lines[ruler + 1 :] if line.startswith(" ")]
    if odd := next((line for row, line in rows if row is None), None):
        raise Unreadable(f"mmgetstate: not a line of it: {shown(odd)}")
    return [ScaleNode(int(row[1][:9]), row[2], row[3]) for row, _ in rows if row]


def _machine_readable(lines: list[list[str]]) -> list[ScaleNode]:
    """``-Y``: the header names the columns."""
    header = next((line for line in lines if "HEADER" in line), None)
    if header is None or not {"nodeName", "nodeNumber", "state"} <= set(header):
        raise Unreadable("mmgetstate: no header with nodeName, nodeNumber and state")
    name, number, state = (header.index(column) for column in ("nodeName", "nodeNumber", "state"))
    nodes = []
    for line in lines:
        if line is header:
            continue
        if len(line) != len(header) or not (line[number].isascii() and line[number].isdecimal()):
            raise Unreadable(f"mmgetstate: not a row under its header: {shown(':'.join(line))}")
        nodes.append(ScaleNode(int(line[number][:9]), line[name], line[state]))
    return nodes
