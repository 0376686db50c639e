"""How a scheduler calls a node."""

import re
from enum import StrEnum

from workflows.model.desired import Desired
from workflows.model.errors import Refused

#: A DNS name (RFC 1123), which Kubernetes demands of node names and which every Slurm host name is too.
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class NodeNames(StrEnum):
    """``short``: the first label of the DNS name, as Slurm has it by default; ``full``: the whole DNS name."""

    SHORT = "short"
    FULL = "full"


def name_of(node: Desired, names: NodeNames) -> str:
    """The node's name at the scheduler: by its DNS name, or its name in the inventory where it has none.

    Raises:
        Refused: that is no host name, so no scheduler can know it.
    """
    full = (node.dns_name or node.name or "").lower()
    name = full.partition(".")[0] if names is NodeNames.SHORT else full
    if _NAME.fullmatch(name) is None:
        raise Refused(f"{node.label}: {full[:100]!r} is no host name, so no scheduler can know it: give it a DNS name")
    return name
