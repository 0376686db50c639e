"""What a site decides: how far bringup may go by itself, and its limits. Data; ``app`` loads it."""

from enum import StrEnum

from workflows.model.keys import Site
from workflows.model.record import Record


class Mode(StrEnum):
    """``observe`` shows what it would do, ``supervised`` asks, ``automatic`` acts. A fresh install observes."""

    OBSERVE = "observe"
    SUPERVISED = "supervised"
    AUTOMATIC = "automatic"


class SiteSettings(Record):
    """Settings of one site. ``wipes_at_once`` is the cap on grants that are open or taken at the same time."""

    site: Site
    mode: Mode = Mode.OBSERVE
    rack_modes: dict[str, Mode] = {}
    start_status: str = "staged"
    four_eyes: bool = False
    trusted_senders: tuple[str, ...] = ("bot", "web", "sync")
    wipes_at_once: int = 16
    runs_at_once: int = 32
    epoch: str = ""

    def mode_of(self, rack: str | None) -> Mode:
        """The rack's mode, else the site's."""
        return self.rack_modes.get(rack or "", self.mode)
