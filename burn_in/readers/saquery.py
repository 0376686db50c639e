"""What the subnet manager's side says of a port: ``saquery NR LID`` and ``smpquery -G nodedesc GUID``.

``saquery`` prints nothing and exits 0 for a LID that nobody has: judge by content.
"""

import re
from dataclasses import dataclass

from burn_in.readers.text import ended_lines
from burn_in.readers.unreadable import Unreadable

_FIELD = re.compile(r"^\s+([a-zA-Z_]+)\.+(.*)$", re.MULTILINE)
_DESCRIPTION = re.compile(r"^Node Description:\.*(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A NodeRecord of the subnet administrator: which port has this LID."""

    lid: int
    port_guid: str
    description: str


def read_node_record(text: str) -> NodeRecord | None:
    """The one record of a keyed query; None where the answer is empty, which means that nobody has this LID.

    Raises:
        Unreadable: something else than one record.
    """
    if not text.strip():
        return None
    plain = "\n".join(ended_lines(text, "saquery"))
    fields = dict(_FIELD.findall(plain))
    if text.count("NodeRecord dump:") != 1:
        raise Unreadable(f"not one NodeRecord: {' '.join(text.split())[:120]}")
    try:
        return NodeRecord(
            int(fields["lid"], 0), f"{int(fields['port_guid'], 16):016x}", fields["NodeDescription"].strip()
        )
    except KeyError as missing:
        raise Unreadable(f"the NodeRecord has no field {missing}") from None
    except ValueError as error:
        raise Unreadable(f"the NodeRecord: {error}") from None


def read_node_description(text: str) -> str:
    """The description that a port gave when it was asked by its GUID.

    Raises:
        Unreadable: the answer holds none.
    """
    found = _DESCRIPTION.search("\n".join(ended_lines(text, "smpquery")))
    if found is None:
        raise Unreadable(f"no node description: {' '.join(text.split())[:120] or 'no output'}")
    return found[1].strip()
