"""The log of NVIDIA's Fabric Manager. Source: recorded logs of HGX H100 nodes; NVIDIA's Fabric Manager user guide."""

import re
from dataclasses import dataclass

from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_LINE = re.compile(r"^\[([A-Z][a-z]{2} +\d+ \d{4} \d\d:\d\d:\d\d)\] \[([A-Z]+)\] \[tid \d+\] (.*)$")
_LEVELS = {"DEBUG", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "ALERT", "EMERG"}
_QUIET = {"DEBUG", "INFO", "NOTICE"}


@dataclass(frozen=True, slots=True)
class FabricManagerMessage:
    """One message. ``stamp``: the node's clock, as the log writes it."""

    stamp: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class FabricManagerLog:
    """``complaints``: all messages above *notice*, in their order, of so many messages."""

    messages: int
    complaints: tuple[FabricManagerMessage, ...]


def read_fabric_manager_log(text: str) -> FabricManagerLog:
    """What Fabric Manager complains of. It may begin in mid-message (it is rotated by size) and end in one.

    Raises:
        Unreadable: not a log of it, or a level that is not known.
    """
    messages, complaints = 0, list[FabricManagerMessage]()
    for line in plain_lines(text)[:-1]:
        found = _LINE.match(line)
        if found is None:
            continue
        if found[2] not in _LEVELS:
            raise Unreadable(f"fabric manager: a level that is not known: {shown(line)}")
        messages += 1
        if found[2] not in _QUIET:
            complaints.append(FabricManagerMessage(found[1], found[2], found[3]))
    if messages == 0:
        raise Unreadable(f"fabric manager: no message: {shown(text) or 'no output'}")
    return FabricManagerLog(messages, tuple(complaints))
