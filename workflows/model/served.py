"""What a machine pulled from the boot service: one record a node, ``served.<node>``, written by the boot service alone.

The proof boot (an installed node boots once more, with no override set) is believed only if no script but *local* was
served since: so the record keeps a count for each kind of script, not only the newest one. ``home`` is the newest
phone-home of an installed system; it only tells where to look, reach verifies it over SSH with the recorded host key.
"""

from datetime import datetime
from enum import StrEnum

from workflows.model.keys import Cause, NodeKey
from workflows.model.record import Record


class Script(StrEnum):
    """What a machine that asked for a boot script was given. ``unknown``: it is no node of ours; it boots its disk."""

    LOCAL = "local"
    AGENT = "agent"
    UNKNOWN = "unknown"


class Home(Record):
    """An installed system that said it is up. ``boot_id`` is new at each boot; cause and attempt name its grant."""

    cause: Cause
    attempt: int
    host_key: str
    boot_id: str
    root_uuid: str
    address: str
    at: datetime


class Served(Record):
    """The newest script, the counts of both kinds, and the newest phone-home. ``cause`` is the grant's, for *agent*."""

    node: NodeKey
    script: Script | None = None
    cause: Cause | None = None
    attempt: int = 0
    at: datetime | None = None
    local_scripts: int = 0
    agent_scripts: int = 0
    home: Home | None = None

    @property
    def count(self) -> int:
        """All scripts served to this node, ever."""
        return self.local_scripts + self.agent_scripts


def served_key(node: NodeKey) -> str:
    """The key of a node's record."""
    return f"served.{node}"
