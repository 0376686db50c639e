"""What a site decides: how far bringup may go by itself, and its limits. Data; ``app`` loads it."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from workflows.model.keys import Site
from workflows.model.record import Record


class Mode(StrEnum):
    """``observe`` shows what it would do, ``supervised`` asks, ``automatic`` acts. A fresh install observes."""

    OBSERVE = "observe"
    SUPERVISED = "supervised"
    AUTOMATIC = "automatic"


class SiteSettings(Record):
    """Settings of one site. ``wipes_at_once`` is the cap on grants that are open or taken at the same time.

    ``persons`` gives a person's other names (chat, NetBox), so that four eyes count persons and not ways in. An approval
    is void ``approval_hours`` after the server received it.
    """

    site: Site
    mode: Mode = Mode.OBSERVE
    rack_modes: dict[str, Mode] = {}
    start_status: str = "staged"
    four_eyes: bool = False
    persons: dict[str, tuple[str, ...]] = {}
    approval_hours: float = Field(default=24.0, gt=0)
    trusted_senders: tuple[str, ...] = ("bot", "web", "sync")
    wipes_at_once: int = 16
    runs_at_once: int = 32
    epoch: str = ""

    def mode_of(self, rack: str | None) -> Mode:
        """The rack's mode, else the site's."""
        return self.rack_modes.get(rack or "", self.mode)

    @property
    def approval_life(self) -> timedelta:
        """How long an approval holds."""
        return timedelta(hours=self.approval_hours)

    def person(self, name: str) -> str:
        """Whose name this is, whatever way in gave it: names differ only by more than case, and ``persons`` joins some."""
        wanted = name.strip().casefold()
        for person, others in self.persons.items():
            if wanted in (person.casefold(), *(other.strip().casefold() for other in others)):
                return person.casefold()
        return wanted
