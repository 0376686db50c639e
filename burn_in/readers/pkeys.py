"""``smpquery pkeys LID``: the partitions that a port belongs to, as the subnet manager has written them into it."""

import re

from burn_in.readers.text import ended_lines, shown
from burn_in.readers.unreadable import Unreadable

_ROW = re.compile(r"^ *\d+:((?: 0x[0-9a-f]{4})+)$")
_END = re.compile(r"^ *(\d+) pkeys capacity for this port$")


def read_pkeys(text: str) -> frozenset[int]:
    """The keys that are set, with the bit of full membership (0x8000); none is set on a port that nobody manages.

    Raises:
        Unreadable: no such table, or half of it.
    """
    keys, capacity = list[int](), None
    for line in ended_lines(text, "smpquery pkeys"):
        if row := _ROW.match(line):
            keys += [int(key, 16) for key in row[1].split()]
        elif end := _END.match(line):
            capacity = int(end[1][:6])
        else:
            raise Unreadable(f"smpquery pkeys: not a line of the table: {shown(line)}")
    if capacity is None or len(keys) < capacity:
        raise Unreadable(
            f"smpquery pkeys: {len(keys)} keys of {capacity or 'an unknown number'}, so the output was cut"
        )
    return frozenset(keys) - {0}
