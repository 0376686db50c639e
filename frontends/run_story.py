"""One run told whole: what was asked, what happened step by step, who decided, how it ended. For pages and reports."""

import re
from dataclasses import dataclass
from datetime import datetime

from workflows.engine.ports import Store
from workflows.model.errors import BadInput
from workflows.model.journal import Entry, Fold, Kind, fold
from workflows.model.keys import Cause, NodeKey
from workflows.model.run import Run

#: Entries in which a person speaks.
DECISIONS = (Kind.APPROVED, Kind.DENIED, Kind.CANCELLED, Kind.HELD, Kind.UNHELD, Kind.RESUMED)
_REPORT = re.compile(r"\(report ([0-9a-f]{64})\)")
_SAID = {Kind.CLAIMED: "worker {worker} took it in hand", Kind.SESSION: "a session of the BMC was opened"}
_OVER = (Kind.DONE, Kind.CANCELLED, Kind.DENIED, Kind.SETTLED, Kind.FINISHED)


@dataclass(frozen=True, slots=True)
class StepBar:
    """When a step ran. ``end`` is None while it does; ``well`` is None until it ended one way or the other."""

    step: str
    began: datetime
    end: datetime | None = None
    tries: int = 1
    well: bool | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A run with its entries, each with the server's time, oldest first."""

    run: Run
    entries: tuple[tuple[Entry, datetime], ...]
    state: Fold

    @property
    def began(self) -> datetime | None:
        """When its first entry was written."""
        return self.entries[0][1] if self.entries else None

    @property
    def ended(self) -> datetime | None:
        """When it was finished; None while it is open."""
        return self.entries[-1][1] if self.entries and self.entries[-1][0].kind is Kind.FINISHED else None

    def step_of(self, entry: Entry) -> str:
        """The step that an entry speaks of; empty for one that speaks of none."""
        known = entry.kind is not Kind.CLAIMED and entry.step < len(self.run.steps)
        return self.run.steps[entry.step].name if known else ""

    def lines(self) -> list[dict[str, str]]:
        """One line an entry: time (ISO 8601 UTC), entry, step, why."""
        return [
            {
                "time": at.isoformat(timespec="seconds"),
                "entry": f"{entry.kind.value}{f' by {entry.person}' if entry.person else ''}",
                "step": self.step_of(entry),
                "why": entry.reason or _SAID.get(entry.kind, "").format(worker=entry.worker),
            }
            for entry, at in self.entries
        ]

    def report(self) -> str:
        """The hash of its newest burn-in report, by the step that accepted or the sentence that refused; empty for none."""
        found = ""
        for entry, _ in self.entries:
            if self.step_of(entry) != "burn_in":
                continue
            said = _REPORT.search(entry.reason)
            if entry.kind is Kind.DONE and isinstance(entry.result, dict):
                found = str(entry.result.get("report", "")) or found
            elif entry.kind is Kind.FAILED and said:
                found = said[1]
        return found

    def bars(self) -> list[StepBar]:
        """Each step that began, in order: from its first intent to its end, or to the end of the run."""
        bars: dict[int, StepBar] = {}
        for entry, at in self.entries:
            bar = bars.get(entry.step)
            if entry.kind is Kind.INTENT:
                began, tries = (bar.began, bar.tries + 1) if bar is not None else (at, 1)
                bars[entry.step] = StepBar(self.step_of(entry), began, tries=tries)
            elif bar is not None and bar.end is None and (entry.kind in _OVER or entry.final):
                bars[entry.step] = StepBar(bar.step, bar.began, at, bar.tries, entry.kind is Kind.DONE)
        return list(bars.values())


async def story(store: Store, node: NodeKey, cause: Cause) -> Story:
    """Read one run.

    Raises:
        BadInput: the node has no such run.
    """
    value = await store.get(f"run.{node}.{cause}")
    if value.data is None:
        raise BadInput(f"{node} has no run {cause[:50]!r}: bringup show lists those it had")
    run = Run.decode(value.data)
    found = await store.list(f"journal.{node}.{cause}.>")
    entries = tuple((Entry.decode(v.data), v.time) for v in found if v.data is not None)
    return Story(run, entries, fold(run, entries))


async def runs_of(store: Store, node: NodeKey) -> list[Run]:
    """All runs that the store keeps of a node, the newest first."""
    return [Run.decode(v.data) for v in reversed(await store.list(f"run.{node}.*")) if v.data is not None]
