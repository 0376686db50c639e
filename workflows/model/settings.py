"""What a site decides: how far bringup may go by itself, and its limits. Data; ``app`` loads it."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from workflows.model.epoch import Epoch
from workflows.model.keys import Site
from workflows.model.record import Record


class Mode(StrEnum):
    """``observe`` shows what it would do, ``supervised`` asks, ``automatic`` acts. A fresh install observes."""

    OBSERVE = "observe"
    SUPERVISED = "supervised"
    AUTOMATIC = "automatic"


class CampaignSettings(Record):
    """How a campaign spreads: the canaries, then a share of all in percent, then steps of the cap of wipes at once.

    Any canary that fails stops it; afterwards as many as ``failures``, or ``failure_percent`` of all, whichever is more.
    """

    canary: int = Field(default=1, ge=1)
    second_percent: int = Field(default=10, ge=1, le=100)
    failures: int = Field(default=2, ge=1)
    failure_percent: int = Field(default=5, ge=0, le=100)


class SchedulerKind(StrEnum):
    """What gives jobs to the site's nodes. ``unknown``: nobody said, so each approval of a re-image says that too."""

    UNKNOWN = "unknown"
    NONE = "none"
    SLURM = "slurm"
    KUBERNETES = "kubernetes"


class SiteSettings(Record):
    """Settings of one site. ``wipes_at_once`` is the cap on grants that are open or taken at the same time; the other caps
    are told of in ``workflows.engine.caps``.

    ``persons`` gives a person's other names (chat, NetBox), so that four eyes count persons and not ways in. An approval
    is void ``approval_hours`` after the server received it. What waits for a person is overdue after ``answer_hours``. What
    destroys the data of ``campaign_from`` nodes or more at once is a campaign. A drained node's jobs are waited for
    ``jobs_may_run_hours``; then a person is asked. ``epoch`` is the store's, as the service found it when it started.
    ``boot_media`` is the URL of an image that BMCs insert as virtual media.
    """

    site: Site
    mode: Mode = Mode.OBSERVE
    rack_modes: dict[str, Mode] = {}
    start_status: str = "staged"
    four_eyes: bool = False
    persons: dict[str, tuple[str, ...]] = {}
    approval_hours: float = Field(default=24.0, gt=0)
    answer_hours: float = Field(default=4.0, gt=0)
    campaign_from: int = Field(default=2, ge=2)
    campaign: CampaignSettings = CampaignSettings()
    scheduler: SchedulerKind = SchedulerKind.UNKNOWN
    jobs_may_run_hours: float = Field(default=168.0, gt=0)
    trusted_senders: tuple[str, ...] = ("bot", "web", "sync")
    wipes_at_once: int = 16
    rack_at_once: int = Field(default=4, ge=0)
    wipes_per_hour: int = Field(default=32, ge=0)
    new_per_hour: int = Field(default=128, ge=0)
    power_on_per_minute: int | None = Field(default=None, ge=1)
    runs_at_once: int = 32
    boot_media: str = Field(default="", pattern=r"^(https?://\S{1,180})?$")
    epoch: Epoch | None = None

    def mode_of(self, rack: str | None) -> Mode:
        """The rack's mode, else the site's."""
        return self.rack_modes.get(rack or "", self.mode)

    @property
    def epoch_id(self) -> str:
        """The store's epoch; empty where none was looked up."""
        return self.epoch.id if self.epoch is not None else ""

    @property
    def approval_life(self) -> timedelta:
        """How long an approval holds."""
        return timedelta(hours=self.approval_hours)

    @property
    def answer_life(self) -> timedelta:
        """How long what waits for a person may wait before it is overdue."""
        return timedelta(hours=self.answer_hours)

    def person(self, name: str) -> str:
        """Whose name this is, whatever way in gave it: names differ only by more than case, and ``persons`` joins some."""
        wanted = name.strip().casefold()
        for person, others in self.persons.items():
            if wanted in (person.casefold(), *(other.strip().casefold() for other in others)):
                return person.casefold()
        return wanted
