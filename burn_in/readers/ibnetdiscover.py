"""``ibnetdiscover`` of infiniband-diags, and its ports report (``-p``). Source: recorded outputs; ibnetdiscover.c.

The topology lists each link from both of its ends, switches first. That shows where an output was cut: a node that is
somebody's peer has a section of its own. (Aggregation nodes are excepted: they are a part of their switch.)
"""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_GUID_LINE = re.compile(r"^(vendid|devid|sysimgguid|switchguid|caguid|rtguid)=0x[0-9a-fA-F]+(\([0-9a-fA-F]+\))?$")
_NODE = re.compile(r'^(Switch|Ca|Rt)\s+(\d+) "([SHR])-([0-9a-fA-F]{16})"\s*#\s*"(.*?)"(?:\s.*)?$')
_LINK = re.compile(
    r"^\[(\d+)\](?:\[ext \d+\])?(?:\(([0-9a-fA-F]+)\))?\s+"
    r'"([SHR])-([0-9a-fA-F]{16})"\[(\d+)\](?:\[ext \d+\])?(?:\(([0-9a-fA-F]+)\))?\s*#\s*(.*)$'
)
_SPEED = re.compile(r"\s(\d+x[A-Z0-9?]+)(?:\s+[swve]=\d+)*$", re.IGNORECASE)
_QUOTED = re.compile(r'"(.*)"\s+lid (\d+)')
_REPORT = re.compile(
    r"^(CA|SW|RT)\s+(\d+)\s+(\d+)\s+0x([0-9a-fA-F]{1,16})\s+(\d+x\s+\S+)"
    r"(?:\s+-\s+(CA|SW|RT)\s+(\d+)\s+(\d+)\s+0x([0-9a-fA-F]{1,16})\s+\(\s*'(.*)'\s+-\s+'(.*)'\s*\)|\s+(\S.*))?$"
)
_KIND = {"S": "switch", "H": "adapter", "R": "router", "SW": "switch", "CA": "adapter", "RT": "router"}
_FAILED = re.compile(r"ibwarn|iberror|ibpanic|discover failed|timed out", re.IGNORECASE)
_AGGREGATION = "Aggregation Node"


@dataclass(frozen=True, slots=True)
class FabricEnd:
    """One end of a link. ``node_guid`` and ``port_guid``: 16 hex digits; a switch has one port GUID, its own."""

    kind: str
    node_guid: str
    port_guid: str
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class FabricLink:
    """One link, seen from ``here``. ``speed`` as the tool prints it: ``4xNDR``."""

    here: FabricEnd
    there: FabricEnd
    speed: str


@dataclass(frozen=True, slots=True)
class Fabric:
    """All links, each of them from both ends where both were listed; ``unlinked``: ports without a peer (``-p`` alone)."""

    switches: int
    adapters: int
    links: tuple[FabricLink, ...]
    unlinked: tuple[FabricEnd, ...]


def read_ibnetdiscover(text: str) -> Fabric:
    """The fabric as it was discovered.

    Raises:
        Unreadable: no topology, a line that is none of it, the discovery failed on the way, or the output was cut.
    """
    lines = ended_lines(text, "ibnetdiscover")
    if failed := next((line for line in lines if _FAILED.search(line) and not line.startswith(("[", "#"))), None):
        raise Unreadable(f"ibnetdiscover gave up: {shown(failed)}")
    return _report(lines) if _REPORT.match(lines[0]) else _topology(lines)


@dataclass(slots=True)
class _Section:
    kind: str
    guid: str
    name: str
    ports: int
    links: int = 0


def _topology(lines: list[str]) -> Fabric:
    sections, links = list[_Section](), list[FabricLink]()
    for line in lines:
        if line.startswith("#") or _GUID_LINE.match(line):
            continue
        if node := _NODE.match(line):
            sections.append(_Section(_KIND[node[3]], node[4].lower(), node[5].strip(), int(node[2][:4])))
        elif (link := _LINK.match(line)) and sections:
            links.append(_link(sections[-1], link, line))
            sections[-1].links += 1
        else:
            raise Unreadable(f"ibnetdiscover: not a line of a topology: {shown(line)}")
    if not links:
        raise Unreadable("ibnetdiscover: it lists no link")
    own = {s.guid for s in sections}
    ends = {(e.here.node_guid, e.here.port, e.there.node_guid, e.there.port) for e in links}
    if odd := next((e for e in ends if e[2] in own and (e[2], e[3], e[0], e[1]) not in ends), None):
        raise Unreadable(
            f"ibnetdiscover: the link {odd[0]}[{odd[1]}] - {odd[2]}[{odd[3]}] is listed from one end, so it was cut"
        )
    missing = [e.there for e in links if e.there.node_guid not in own and _AGGREGATION not in e.there.name]
    if missing:
        raise Unreadable(
            f"ibnetdiscover: {missing[0].name or missing[0].node_guid} is a peer and has no section, so the output was cut"
        )
    if lines[-1].startswith(("vendid=", "devid=", "sysimgguid=", "switchguid=", "caguid=", "rtguid=")):
        raise Unreadable("ibnetdiscover: the output ends inside a section, so it was cut")
    kinds = [s.kind for s in sections]
    return Fabric(kinds.count("switch"), kinds.count("adapter"), tuple(links), ())


def _link(section: _Section, link: re.Match[str], line: str) -> FabricLink:
    """A switch names its peer; an adapter names its own LID first, then its peer."""
    speed, peer = _SPEED.search(link[7]), _QUOTED.search(link[7])
    if speed is None or peer is None:
        raise Unreadable(f"ibnetdiscover: a link without a name, LID or speed: {shown(line)}")
    kind, guid = _KIND[link[3]], link[4].lower()
    own = f"{int(link[2], 16):016x}" if link[2] else section.guid
    theirs = f"{int(link[6], 16):016x}" if link[6] else guid
    here = FabricEnd(section.kind, section.guid, own, int(link[1][:4]), section.name)
    return FabricLink(here, FabricEnd(kind, guid, theirs, int(link[5][:4]), peer[1].strip()), speed[1])


def _report(lines: list[str]) -> Fabric:
    """Its GUIDs are ports' GUIDs; the nodes' own are not in it."""
    links, unlinked, seen = list[FabricLink](), list[FabricEnd](), dict[str, str]()
    for line in lines:
        found = _REPORT.match(line)
        if found is None:
            raise Unreadable(f"ibnetdiscover: not a line of a ports report: {shown(line)}")
        name = (found[10] or found[12] or "").strip("' ")
        here = _reported(found[1], found[4], found[3], name)
        seen[here.port_guid] = here.kind
        if found[6]:
            there = _reported(found[6], found[9], found[8], found[11].strip())
            links.append(FabricLink(here, there, "".join(found[5].split())))
        else:
            unlinked.append(here)
    kinds = list(seen.values())
    return Fabric(kinds.count("switch"), kinds.count("adapter"), tuple(links), tuple(unlinked))


def _reported(kind: str, guid: str, port: str, name: str) -> FabricEnd:
    plain = f"{int(guid, 16):016x}"
    return FabricEnd(_KIND[kind], plain, plain, int(port[:4]), name)
