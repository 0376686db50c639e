"""The firmware and BIOS of a simulated machine: updates that take time and are counted, changes that wait for a boot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflows.engine.ports import TaskFacts
from workflows.model.hardware import Firmware
from workflows.model.profile import Setting


@dataclass
class Update:
    """One update that began: of what, to which version, and when it ends."""

    component: str
    version: str
    ends: datetime
    fails: bool
    done: bool = False


@dataclass
class Board:
    """``slow``: components whose new version shows after a boot only. ``fails``: updates of these go wrong.

    The version of an image is the last part of its name, between a dash and the suffix.
    """

    versions: dict[str, str] = field(default_factory=lambda: {"BMC": "1.0", "BIOS": "1.0"})
    attributes: dict[str, Setting] = field(default_factory=lambda: dict[str, Setting](SriovGlobalEnable="Disabled"))
    pending: dict[str, Setting] = field(default_factory=dict)
    takes: timedelta = timedelta(minutes=3)
    slow: tuple[str, ...] = ("BIOS",)
    fails: tuple[str, ...] = ()
    updates: list[Update] = field(default_factory=list)

    def flash(self, paths: Sequence[str], url: str, now: datetime) -> None:
        """Begin an update of one component."""
        [path] = paths
        component = path.rsplit("/", 1)[1]
        version = url.rsplit("-", 1)[1].removesuffix(".bin")
        self.updates.append(Update(component, version, now + self.takes, component in self.fails))

    def booted(self) -> None:
        """A boot brings what waits into force."""
        self.attributes |= self.pending
        self.pending = {}
        for update in self.updates:
            if update.done and not update.fails:
                self.versions[update.component] = update.version

    def shown(self, now: datetime) -> tuple[Firmware, ...]:
        """Versions as they are now."""
        self._pass(now)
        return tuple(Firmware(name=name, version=v, path=f"/firmware/{name}") for name, v in self.versions.items())

    def tasks(self, now: datetime) -> tuple[TaskFacts, ...]:
        """A task for each update."""
        self._pass(now)
        return tuple(
            TaskFacts(
                path=f"/tasks/{number}",
                state=("Exception" if u.fails else "Completed") if u.done else "Running",
                percent=100 if u.done else 50,
                ended=u.done,
                failed=u.done and u.fails,
            )
            for number, u in enumerate(self.updates, 1)
        )

    def _pass(self, now: datetime) -> None:
        for update in self.updates:
            if not update.done and now >= update.ends:
                update.done = True
                if not update.fails and update.component not in self.slow:
                    self.versions[update.component] = update.version
