"""Cabling: each adapter's port ends at the switch and port that the inventory's cable says, by what the subnet shows.

Two cables that were swapped are named as a pair to swap, because the one who stands in the aisle needs exactly that.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from burn_in.guid import plain_guid
from burn_in.judges.verdicts import Want, judged
from burn_in.readers.ibnetdiscover import Fabric
from workflows.model.desired import Interface
from workflows.model.verdict import Action, Check

_SOURCE = "the inventory's cable; ibnetdiscover"
_PLAIN = re.compile(r"^\D*(\d+)$")
_OF_MODULE = re.compile(r"^\D*1/(\d+)$")
_SPLIT = re.compile(r"^\D*1/(\d+)/([12])$")


@dataclass(frozen=True, slots=True)
class End:
    """Where a cable ends. ``port`` is the number that the subnet uses."""

    switch: str
    port: int

    def __str__(self) -> str:
        return f"{self.switch} port {self.port}"


@dataclass(frozen=True, slots=True)
class Cable:
    """One cable as the inventory has it. ``end`` is None where its port's name can't be read as a number."""

    node: str
    interface: str
    guid: str
    end: End | None
    text: str


def cables(node: str, interfaces: Iterable[Interface]) -> tuple[Cable, ...]:
    """The InfiniBand cables of a node: interfaces with a GUID and a peer."""
    found = []
    for interface in interfaces:
        guid = plain_guid(interface.guid or "")
        if guid and interface.peer:
            port = switch_port(interface.peer.port)
            end = End(interface.peer.device, port) if port is not None else None
            found.append(Cable(node, interface.name, guid, end, f"{interface.peer.device} {interface.peer.port}"))
    return tuple(found)


def switch_port(text: str) -> int | None:
    """The subnet's number of a port by its label: ``17``, ``ib1/17``, or ``ib1/9/1`` for half of a twin port (17)."""
    text = text.strip()
    if found := _SPLIT.match(text):
        return (int(found[1]) - 1) * 2 + int(found[2])
    if (found := _OF_MODULE.match(text)) or ("/" not in text and (found := _PLAIN.match(text))):
        return int(found[1])
    return None


def judge_cabling(node: str, wanted: Sequence[Cable], fabric: Fabric) -> tuple[Check, ...]:
    """The cables of one node. ``wanted`` may hold its neighbours' too: then a swap with a neighbour is told as one."""
    seen = _seen(fabric)
    return tuple(_cable(cable, wanted, seen) for cable in wanted if cable.node == node)


def _seen(fabric: Fabric) -> Mapping[str, tuple[str, int]]:
    """What each adapter's port is linked to: the description of the switch, and its port."""
    found = {}
    for link in fabric.links:
        for near, far in ((link.here, link.there), (link.there, link.here)):
            if near.kind != "switch" and near.port_guid:
                found[near.port_guid] = (far.name, far.port)
    return found


def _cable(cable: Cable, wanted: Sequence[Cable], seen: Mapping[str, tuple[str, int]]) -> Check:
    entity = f"{cable.node} {cable.interface}"
    expected = str(cable.end or cable.text)
    there = seen.get(cable.guid)
    if cable.end is None:
        want = Want(expected, _SOURCE, Action.CORRECT)
        found = judged("infiniband.cable", entity, None, False, want)
        return found.model_copy(update={"message": f"the port's name {cable.text!r} can't be read as a number"})
    if there is None:
        want = Want(expected, _SOURCE, Action.RE_CABLE, advice=f"connect {cable.interface} to {expected}")
        return judged("infiniband.cable", entity, "linked to nothing", False, want)
    right = _same(cable.end, there)
    want = Want(expected, _SOURCE, Action.RE_CABLE, advice="" if right else _advice(cable, there, wanted, seen))
    return judged("infiniband.cable", entity, f"{there[0]} port {there[1]}", right, want)


def _advice(cable: Cable, there: tuple[str, int], wanted: Sequence[Cable], seen: Mapping[str, tuple[str, int]]) -> str:
    owner = next((c for c in wanted if c.end is not None and c.guid != cable.guid and _same(c.end, there)), None)
    mine = f"{cable.node} {cable.interface}"
    if owner is None:
        return f"move the cable of {mine} from {there[0]} port {there[1]} to {cable.end}"
    theirs, others = f"{owner.node} {owner.interface}", seen.get(owner.guid)
    if cable.end is not None and others is not None and _same(cable.end, others):
        return f"swap the cables of {mine} and {theirs}"
    return f"move the cable of {mine} to {cable.end}: it holds the port of {theirs}"


def _same(end: End, there: tuple[str, int]) -> bool:
    """A switch's description holds its name as a whole word, as in ``MF0;leaf01:MQM9700/U1``."""
    name = rf"(?<![\w.-]){re.escape(end.switch)}(?![\w.-])"
    return end.port == there[1] and re.search(name, there[0], re.IGNORECASE) is not None
