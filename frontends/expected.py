"""How long a step and the rest of a run usually take, from what finished runs of this site took. Pure.

Only runs that ended well count: they went through every step. The nearest kin that has any is asked, and no other: same
workflow, sku and release; else same workflow and sku; else same workflow. Nothing is invented: a step that no such run had,
a run that waits for a person, a first run of a site have no expectation.

The range of what is left is that of the past runs that had not ended this step either after as long as this one is in it
(one that took 5 minutes says nothing about one that is in its seventh): from their tenth to their ninetieth percentile.
Where this one takes longer than any of them did there is no range, and that is said.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor
from statistics import median

from workflows.model.desired import Desired
from workflows.model.journal import Outcome
from workflows.model.status import NodeState, NodeStatus, StepTiming

_BUSY = (NodeState.RUNNING, NodeState.WAITING)
_OPEN = (*_BUSY, NodeState.PARKED, NodeState.HELD)

type _Kin = tuple[str, ...]
type _Took = tuple[StepTiming, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is usual: for the whole step, and for all steps after it. ``runs`` is how many finished runs say so.

    ``took`` is what each of them took: seconds for this step, and for all after it.
    """

    step: timedelta
    after: timedelta
    runs: int
    kin: str
    took: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an open run stands in time; None where it isn't known."""

    elapsed: timedelta | None = None
    expected: Expected | None = None

    @property
    def left(self) -> timedelta | None:
        """Until the run's end, if all goes as usual; a step that takes longer than usual is taken to end now."""
        if self.expected is None or self.elapsed is None:
            return None
        return max(self.expected.step - self.elapsed, timedelta()) + self.expected.after

    @property
    def between(self) -> tuple[timedelta, timedelta] | None:
        """The least and the most that is left, as nine of ten past runs have it on either side; None where none says so."""
        if self.expected is None or self.elapsed is None:
            return None
        passed = self.elapsed.total_seconds()
        left = sorted(step - passed + after for step, after in self.expected.took if step > passed)
        if not left:
            return None
        tenth = (len(left) - 1) / 10
        least, most = left[floor(tenth)], left[ceil(len(left) - 1 - tenth)]
        return timedelta(seconds=least), timedelta(seconds=most)

    @property
    def unheard_of(self) -> bool:
        """Whether the step takes longer than it did in any past run."""
        known = self.expected is not None and self.elapsed is not None
        return known and self.between is None


class History:
    """What finished runs took, by kin."""

    def __init__(self, nodes: Iterable[tuple[Desired, NodeStatus]]):
        self._took: defaultdict[_Kin, list[_Took]] = defaultdict(list)
        self._known: dict[tuple[_Kin, str], Expected | None] = {}
        for desired, status in nodes:
            if status.outcome == Outcome.SUCCEEDED and status.timings:
                for kin in _kin(desired, status):
                    self._took[kin].append(status.timings)

    def progress(self, desired: Desired, status: NodeStatus, now: datetime) -> Progress:
        """Where the node's open run stands."""
        since = status.step_since or status.since
        if status.state not in _OPEN or since is None:
            return Progress()
        kin = next((k for k in _kin(desired, status) if k in self._took), None)
        expected = self._expected(kin, status.step) if kin is not None and status.state in _BUSY else None
        return Progress(max(now - since, timedelta()), expected)

    def _expected(self, kin: _Kin, step: str) -> Expected | None:
        if (kin, step) not in self._known:
            self._known[kin, step] = _median(kin, self._took[kin], step)
        return self._known[kin, step]


def _kin(desired: Desired, status: NodeStatus) -> list[_Kin]:
    """The kins that a node's run belongs to, the nearest first."""
    profile = desired.profile
    if profile is None:
        return [(status.workflow,)]
    sku, release = profile.sku.name, profile.release.name
    return [(status.workflow, sku, release), (status.workflow, sku), (status.workflow,)]


def _median(kin: _Kin, runs: Iterable[_Took], step: str) -> Expected | None:
    here, after = [], []
    for took in runs:
        names = [t.step for t in took]
        if step in names:
            place = names.index(step)
            here.append(took[place].seconds)
            after.append(sum(t.seconds for t in took[place + 1 :]))
    if not here:
        return None
    return Expected(
        timedelta(seconds=median(here)),
        timedelta(seconds=median(after)),
        len(here),
        " ".join(kin),
        tuple(zip(here, after, strict=True)),
    )
