"""Who is asking: which node has all the identifiers that a machine gave.

Every identifier given must fit the same node (design, Boot and deploy). A machine of which only some fit is as unknown
as one of which none does: a swapped board or a moved NIC never gets another node's script.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID

from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.grant import Grant, Machine
from workflows.model.hardware import same_uuid
from workflows.model.keys import NodeKey

_MAC = re.compile(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}")
_MAX_SERIAL = 128


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What a machine's firmware says of itself; empty where it says nothing."""

    mac: str = ""
    serial: str = ""
    uuid: str = ""

    @classmethod
    def parse(cls, mac: str, serial: str, uuid: str) -> "Identifiers":
        """Read what a machine sent.

        Raises:
            BadInput: an identifier of a form that no machine has.
        """
        mac, serial, uuid = mac.strip().lower(), serial.strip(), uuid.strip().lower()
        if mac and not _MAC.fullmatch(mac):
            raise BadInput("mac is no MAC address; send six octets in hex")
        if len(serial) > _MAX_SERIAL or not serial.isprintable():
            raise BadInput(f"serial is longer than {_MAX_SERIAL} characters or not printable")
        if uuid and not same_uuid(uuid, uuid):
            raise BadInput("uuid is no UUID")
        return cls(mac.replace("-", ":"), serial, uuid)

    def __str__(self) -> str:
        return f"MAC {self.mac or '-'}, serial {self.serial or '-'}, UUID {self.uuid or '-'}"


def same_serial(one: str, other: str) -> bool:
    """Whether two serials are the same, apart from case and padding."""
    return one.strip().lower() == other.strip().lower()


def mismatch(grant: Grant, machine: Machine) -> str | None:
    """Why this machine may not take this grant, None where it is the one the grant is for."""
    if not same_serial(machine.serial, grant.serial):
        return f"serial {machine.serial[:_MAX_SERIAL]!r} instead of {grant.serial!r}"
    if grant.uuid and not same_uuid(grant.uuid, machine.uuid):
        return f"UUID {machine.uuid[:64]!r} instead of {grant.uuid!r}"
    if grant.macs and not {m.lower() for m in grant.macs} & {m.lower() for m in machine.macs}:
        return f"none of the MACs {', '.join(grant.macs)}"
    return None


@dataclass(slots=True)
class NodeIndex:
    """The nodes of the site by what identifies them, kept from a watch of ``desired.>``."""

    _nodes: dict[NodeKey, Desired] = field(default_factory=dict)
    _owners: dict[str, set[NodeKey]] = field(default_factory=dict)

    def put(self, desired: Desired) -> None:
        """Take in a node's newest record."""
        self.remove(desired.node)
        self._nodes[desired.node] = desired
        for mark in _marks_of(desired):
            self._owners.setdefault(mark, set()).add(desired.node)

    def remove(self, node: NodeKey) -> None:
        """Forget a node that the inventory no longer has."""
        old = self._nodes.pop(node, None)
        for mark in _marks_of(old) if old is not None else ():
            self._owners[mark].discard(node)
            if not self._owners[mark]:
                del self._owners[mark]

    def find(self, who: Identifiers) -> tuple[Desired | None, str]:
        """The one node that everything fits, else None and why not."""
        owners = [self._owners[mark] for mark in _marks(who.mac, who.serial, who.uuid) if mark in self._owners]
        candidates = set[NodeKey]().union(*owners)
        fitting = [n for n in sorted(candidates) if all(n in o for o in owners) and _fits(self._nodes[n], who)]
        if len(fitting) == 1:
            return self._nodes[fitting[0]], ""
        if fitting:
            return None, f"{who} fits {', '.join(fitting)}: correct the inventory, only one can have them"
        if len(candidates) == 1:
            return None, _in_part(self._nodes[next(iter(candidates))], who)
        if candidates:
            return None, f"{who} fits {', '.join(sorted(candidates))} only in part: swapped board, NIC or cable?"
        return None, f"{who} is no node of the inventory"

    def __len__(self) -> int:
        return len(self._nodes)


def _in_part(node: Desired, who: Identifiers) -> str:
    """Why the one node that a machine reminds of isn't it, and how a replaced part is taken over."""
    takes_over = f"bringup rma {node.label} shows old against new"
    if who.mac in node.boot_macs():
        return f"{who} has the MAC of {node.label} and is another machine: if its board was replaced, {takes_over}"
    return f"{who} is {node.label} with a MAC that isn't in its record: if its NIC was replaced, {takes_over}"


def _marks_of(desired: Desired) -> set[str]:
    serial, uuid = desired.serial or "", desired.uuid or ""
    return {mark for mac in (*desired.boot_macs(), "") for mark in _marks(mac, serial, uuid)}


def _marks(mac: str, serial: str, uuid: str) -> set[str]:
    """Index keys of what is given; a UUID has one key in both byte orders."""
    marks = {f"mac {mac}"} if mac else set()
    if serial.strip():
        marks.add(f"serial {serial.strip().lower()}")
    if same_uuid(uuid, uuid):
        marks.add(f"uuid {min(UUID(uuid).bytes, UUID(uuid).bytes_le).hex()}")
    return marks


def _fits(desired: Desired, who: Identifiers) -> bool:
    macs = desired.boot_macs()
    return (
        (not who.mac or not macs or who.mac in macs)
        and (not who.serial or not desired.serial or same_serial(who.serial, desired.serial))
        and (not who.uuid or not desired.uuid or same_uuid(desired.uuid, who.uuid))
    )
