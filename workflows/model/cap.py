"""Cap: how many may hold a place at once, or have begun within a window; one record a scope, ``cap.<scope>``."""

from datetime import datetime

from workflows.model.record import Record


class Slot(Record):
    """One place: who holds it, and when it falls free by itself (server time); None where it is given back."""

    holder: str
    until: datetime | None = None


class Cap(Record):
    """The record, changed by compare-and-set only."""

    slots: tuple[Slot, ...] = ()

    def live(self, now: datetime) -> tuple[Slot, ...]:
        """The places that are taken now."""
        return tuple(s for s in self.slots if s.until is None or now < s.until)

    def has(self, holder: str) -> bool:
        """Whether somebody holds a place."""
        return any(s.holder == holder for s in self.slots)
