"""``served.<node>``: what the boot service gave the machine last, and how often, so that a proof boot can be checked."""

from datetime import datetime
from enum import StrEnum

from workflows.model.keys import Cause, NodeKey
from workflows.model.record import Record


class Script(StrEnum):
    """The scripts that a machine may be answered with."""

    LOCAL = "local"
    AGENT = "agent"


class Served(Record):
    """Written by the boot service before it answers; the counts only rise."""

    node: NodeKey
    script: Script
    cause: Cause | None = None
    attempt: int = 0
    at: datetime | None = None
    agent_scripts: int = 0
    local_scripts: int = 0
