"""Twins: two served nodes that claim the same serial, UUID, BMC address or MAC. Both are refused, each naming the other.

Neither is trusted: which of two records is the mistake can't be seen from here, and acting on the wrong one wipes the
other's machine.
"""

from dataclasses import dataclass, field

from workflows.model.desired import Desired, Intent
from workflows.model.keys import NodeKey

type Identity = tuple[str, str]


def identities(desired: Desired) -> frozenset[Identity]:
    """What no other node may have; nothing where the node isn't bringup's to serve."""
    if desired.intent is not Intent.SERVE:
        return frozenset()
    found = {("MAC", interface.mac.lower()) for interface in desired.interfaces if interface.mac}
    found |= {("serial", desired.serial.lower())} if desired.serial else set()
    found |= {("UUID", desired.uuid.lower())} if desired.uuid else set()
    found |= {("BMC address", desired.bmc.address)} if desired.bmc else set()
    return frozenset(found)


@dataclass(slots=True)
class Known:
    """The identities of all nodes of the site: a picture of ``desired.>``, kept by whoever reads or writes it."""

    _of: dict[NodeKey, frozenset[Identity]] = field(default_factory=dict)
    _labels: dict[NodeKey, str] = field(default_factory=dict)
    _holders: dict[Identity, set[NodeKey]] = field(default_factory=dict)

    def put(self, desired: Desired) -> frozenset[NodeKey]:
        """Note a node; returns the other nodes that gained or lost a twin by it."""
        node, new = desired.node, identities(desired)
        old = self._of.get(node, frozenset())
        for identity in old - new:
            self._holders[identity].discard(node)
            if not self._holders[identity]:
                del self._holders[identity]
        for identity in new - old:
            self._holders.setdefault(identity, set()).add(node)
        self._of[node] = new
        self._labels[node] = desired.label
        return frozenset(n for identity in old ^ new for n in self._holders.get(identity, ()) if n != node)

    def problems(self, desired: Desired) -> tuple[str, ...]:
        """A sentence for each twin of a node, naming it."""
        return tuple(
            f"{self._labels[other]} ({other}) has the same {kind} {value}: correct one of them"
            for kind, value in sorted(identities(desired))
            for other in sorted(self._holders.get((kind, value), set()) - {desired.node})
        )
