"""What was known of a machine that did not come, when it was given up on: kept as evidence for the person who is asked."""

from datetime import datetime

from workflows.model.hardware import LogLine
from workflows.model.keys import NodeKey
from workflows.model.record import Record
from workflows.model.served import Served
from workflows.model.stranger import Strangers


class Silence(Record):
    """``progress`` is how far its POST has come as the BMC says it; ``events`` are of the BMC's log, since the run began.

    ``served``: what the boot service gave this node last, and how often. ``strangers``: machines that asked and that no node
    fits, one of which may be this one with a MAC that the inventory doesn't know. ``gaps``: what could not be read.
    """

    node: NodeKey
    run: str
    why: str
    at: datetime
    since: datetime | None = None
    power: str = ""
    boot: str = ""
    progress: str = ""
    events: tuple[LogLine, ...] = ()
    served: Served | None = None
    strangers: Strangers | None = None
    gaps: tuple[str, ...] = ()
