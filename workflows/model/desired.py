"""Desired state: the projection of the inventory's record of one node, with the generation that rises with each change.

Holds no field that bringup writes back, so our own writes start nothing.
"""

from enum import StrEnum

from pydantic import Field

from workflows.model.keys import NodeKey
from workflows.model.profile import Profile
from workflows.model.record import Record


class Intent(StrEnum):
    """The class of the inventory's status; write-back moves only within a class."""

    NOT_OURS = "not-ours"
    SERVE = "serve"
    RETIRED = "retired"


class Address(Record):
    """One address of an interface. ``gateway`` is set where the prefix names one."""

    cidr: str
    gateway: str | None = None
    primary: bool = False


class PeerPort(Record):
    """Where a cable should end: the other device's name and its port."""

    device: str
    port: str


class Interface(Record):
    """One network interface as the inventory wants it. ``guid`` is an InfiniBand port GUID (NetBox's ``wwn``).

    ``vlan`` is the interface's VLAN: the switch adds the tag on a port; the node adds it on an interface with a ``parent``.
    """

    name: str
    mac: str | None = None
    guid: str | None = None
    addresses: tuple[Address, ...] = ()
    vlan: int | None = None
    mtu: int | None = None
    lag: str | None = None
    parent: str | None = None
    mgmt_only: bool = False
    peer: PeerPort | None = None


class Mount(Record):
    """A storage mount that the node must have. ``options`` are those that must be in force."""

    target: str
    source: str
    fstype: str
    options: tuple[str, ...] = ()


class BmcTarget(Record):
    """Where the BMC is and which secret opens it. ``address`` is host or host:port; no credential ever stands here."""

    address: str
    credential: str = "bmc/default"


class Edit(Record):
    """The inventory's request that set the start status: by whom, and how many nodes it set so at once."""

    request: str
    person: str
    nodes: int


class Desired(Record):
    """What the inventory says of one node. ``generation`` is 0 in a fresh projection; the store gives the number.

    ``problems`` lists, in sentences for the owner, why this node can't be served (no serial, no BMC, unknown profile,
    a twin with the same serial); a node with problems is never acted on.
    """

    node: NodeKey
    generation: int = 0
    name: str | None
    dns_name: str | None = None
    status: str
    intent: Intent
    serial: str | None
    uuid: str | None = None
    rack: str | None = None
    position: float | None = None
    tags: tuple[str, ...] = ()
    protected: bool = False
    bmc: BmcTarget | None = None
    interfaces: tuple[Interface, ...] = ()
    mounts: tuple[Mount, ...] = ()
    profile: Profile | None = None
    problems: tuple[str, ...] = Field(default=())
    edit: Edit | None = None

    @property
    def label(self) -> str:
        """How people call it: the name, or the key where it has none."""
        return self.name or self.node

    def boot_macs(self) -> tuple[str, ...]:
        """MACs (lower case, colons) of the interfaces that may boot from the network."""
        return tuple(i.mac.lower() for i in self.interfaces if i.mac and not i.mgmt_only)

    def same_wish(self, other: "Desired") -> bool:
        """Whether the two ask for the same: equal but for ``generation``, the raw ``status`` and ``edit``.

        bringup writes the status within its class, so a status that changed within the class is stored but is no
        new generation; a class that changed (``intent``) is one. Nor is a blank of the machine's identity that was filled
        with what the machine has: UUID, MAC, GUID.
        """
        ignored = {"generation": 0, "status": "", "edit": None}
        return self._filled_from(other).model_copy(update=ignored) == other.model_copy(update=ignored)

    def _filled_from(self, other: "Desired") -> "Desired":
        """This wish with the blanks of its identity as the other one has them."""
        theirs = {i.name: i for i in other.interfaces}
        filled = tuple(
            i.model_copy(update={"mac": i.mac or theirs[i.name].mac, "guid": i.guid or theirs[i.name].guid})
            if i.name in theirs
            else i
            for i in self.interfaces
        )
        return self.model_copy(update={"uuid": self.uuid or other.uuid, "interfaces": filled})
