"""``sminfo`` of infiniband-diags. Source: recorded outputs; sminfo.c."""

import re
from dataclasses import dataclass

from burn_in.readers.text import plain_lines
from burn_in.readers.unreadable import Unreadable

_LINE = re.compile(
    r"^sminfo: sm lid (\d{1,5}) sm guid 0x([0-9a-fA-F]{1,16}), activity count (\d+) priority (\d{1,3}) state (\d+) "
    r"(SMINFO_NOTACT|SMINFO_DISCOVER|SMINFO_STANDBY|SMINFO_MASTER)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class SubnetManagerInfo:
    """The subnet manager that answered. Only state ``SMINFO_MASTER`` manages the subnet."""

    lid: int
    guid: str
    priority: int
    state: str

    @property
    def master(self) -> bool:
        """Whether it is the one that manages the subnet."""
        return self.state == "SMINFO_MASTER"


def read_sminfo(text: str) -> SubnetManagerInfo:
    """Who answered.

    Raises:
        Unreadable: nobody did, or the line is another one.
    """
    found = _LINE.search("\n".join(plain_lines(text)))
    if found is None:
        raise Unreadable(f"no subnet manager answered sminfo: {' '.join(text.split())[:120] or 'no output'}")
    return SubnetManagerInfo(int(found[1]), f"{int(found[2], 16):016x}", int(found[4]), found[6])
