"""``iblinkinfo`` of infiniband-diags. Source: recorded outputs, also with slow and unlinked ports; iblinkinfo.c."""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_NODE = re.compile(r"^(CA|Switch|Router)(?::|\s)\s*(?:0x([0-9a-fA-F]{1,16})\s+)?(.*?):?$")
_LINE = re.compile(
    r"^\s+(?:0x([0-9a-fA-F]{1,16})\s+)?(?:\"(.*?)\"\s+)?(\d+)\s+(\d+)\[ *(\d*) *\]\s*==\("
    r"\s*(?:(\d+X)\s+([\d.]+) Gbps(?: \(.*?\))?\s+)?([A-Za-z?]+)/\s*([A-Za-z?]+)\s*\)==>"
    r"\s*(?:0x[0-9a-fA-F]+\s+)?(?:(\d+)\s+(\d+))?\[ *(\d*) *\]\s*\"(.*)\"\s*\((.*)\)$"
)


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """One port and what it is linked to. ``lane_gbps``: signalling rate of one lane; None where the port is down.

    ``guid``: the port's for an adapter, the node's for a switch; ``could_be``: what the link could do better.
    """

    kind: str
    node: str
    guid: str
    lid: int
    port: int
    width: str | None
    lane_gbps: float | None
    state: str
    physical_state: str
    peer: str
    peer_lid: int | None
    peer_port: int | None
    could_be: str


def read_iblinkinfo(text: str) -> tuple[LinkInfo, ...]:
    """Every port that is listed, down ones too.

    Raises:
        Unreadable: no link, a line that is none of it, a failed query, or the output was cut.
    """
    links, kind, node, guid = list[LinkInfo](), "", "", ""
    open_node = False
    for line in ended_lines(text, "iblinkinfo"):
        head, port = _NODE.match(line), _LINE.match(line)
        if head:
            if open_node:
                raise Unreadable(f"iblinkinfo: {kind} {node} has no port")
            kind, guid, node, open_node = head[1], _plain(head[2]), head[3].strip(), True
        elif port and kind:
            links.append(_info(kind, node, guid, port))
            open_node = False
        else:
            raise Unreadable(f"iblinkinfo: not a line of it: {shown(line)}")
    if not links or open_node:
        raise Unreadable(f"iblinkinfo: {f'the output ends at {kind} {node}' if open_node else 'it lists no link'}")
    return tuple(links)


def _info(kind: str, node: str, guid: str, port: re.Match[str]) -> LinkInfo:
    if port[8] == "Active" and port[6] is None:
        raise Unreadable(f"iblinkinfo: an active link without width and speed: {shown(port[0])}")
    return LinkInfo(
        kind=kind,
        node=node,
        guid=_plain(port[1]) or guid,
        lid=int(port[3][:9]),
        port=int(port[4][:4]),
        width=port[6],
        lane_gbps=_rate(port[7]),
        state=port[8],
        physical_state=port[9],
        peer=port[13].strip(),
        peer_lid=int(port[10][:9]) if port[10] else None,
        peer_port=int(port[11][:4]) if port[11] else None,
        could_be=" ".join(port[14].split()),
    )


def _rate(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise Unreadable(f"iblinkinfo: {text!r} is no speed") from None


def _plain(guid: str | None) -> str:
    return f"{int(guid, 16):016x}" if guid else ""
