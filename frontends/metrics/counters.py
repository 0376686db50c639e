"""What one service counts while it works; each process counts its own, and a sum over all is the site's.

Theory of operation. A worker tells an ``Observer`` of every entry that it wrote, so a run that two workers drove is counted
once, by the one that wrote its end. After a restart counters begin at 0, as Prometheus expects; what stands in the journal
is not counted again. ``TimedBus`` measures how old events are when they are taken in hand: that is the lag.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Histogram

from workflows.engine.ports import Bus, Clock, Judge, Message
from workflows.model.desired import Desired
from workflows.model.errors import BringupError
from workflows.model.journal import Entry, Fold, Kind
from workflows.model.keys import NodeKey
from workflows.model.run import Run
from workflows.model.verdict import BurnInReport

_SECONDS = (1, 5, 15, 60, 180, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_LAGS = (0.05, 0.25, 1, 5, 15, 60, 300, 1800)
_DRIVERS = "workflows.drivers."


class Counters:
    """Implements ``Observer``. One a process, over its own registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter(
            "bringup_runs", "Runs that ended, by workflow and outcome", ("workflow", "outcome"), registry=registry
        )
        self._steps = Histogram(
            "bringup_step_seconds",
            "How long steps took, from their first intent to done",
            ("workflow", "step"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._parked = Counter(
            "bringup_parked",
            "Runs that stopped to ask a person: for an approval, or for a decision after a fault",
            ("workflow", "step", "asks"),
            registry=registry,
        )
        self._errors = Counter(
            "bringup_errors",
            "Errors that ended a try of a step, by the driver that met them (or engine) and by class",
            ("driver", "error"),
            registry=registry,
        )
        self._fenced = Counter("bringup_lease_losses", "Claims whose lease was lost in mid-work", registry=registry)
        self._image = Counter(
            "bringup_image_bytes", "Bytes of images that machines have written to their disks", registry=registry
        )
        self._checks = Counter(
            "bringup_burn_in_failures",
            "Burn-in checks that kept a node out of service, by check and verdict",
            ("check", "verdict"),
            registry=registry,
        )
        self._lag = Histogram(
            "bringup_event_lag_seconds",
            "How old events were when their consumer took them in hand",
            ("consumer",),
            buckets=_LAGS,
            registry=registry,
        )

    def appended(self, run: Run, entry: Entry, state: Fold) -> None:
        """Count an entry of a run's journal."""
        match entry.kind:
            case Kind.DONE:
                took = state.timings[-1]
                self._steps.labels(run.workflow, took.step).observe(took.seconds)
                if took.step == "deploy" and run.desired.profile is not None:
                    self._image.inc(run.desired.profile.release.image.raw_size)
            case Kind.PARKED:
                step = run.steps[entry.step].name if entry.step < len(run.steps) else "settle"
                self._parked.labels(run.workflow, step, "approval" if entry.digest else "decision").inc()
            case Kind.FINISHED if entry.outcome is not None:
                self._runs.labels(run.workflow, entry.outcome.value).inc()

    def failed(self, run: Run, step: str, error: Exception) -> None:
        """Count an error that ended a try."""
        name = type(error).__name__ if isinstance(error, BringupError) else "Defect"
        self._errors.labels(_driver(error.__traceback__), name).inc()

    def fenced(self, node: NodeKey) -> None:
        """Count a lost lease."""
        self._fenced.inc()

    def judged(self, report: BurnInReport) -> None:
        """Count the checks that failed."""
        for check in report.failures:
            self._checks.labels(check.id, check.verdict.value).inc()

    def lag(self, consumer: str, age: timedelta) -> None:
        """How old an event was."""
        self._lag.labels(consumer).observe(max(age.total_seconds(), 0))


def _driver(trace: TracebackType | None) -> str:
    """The driver that the error came through: ``redfish``, ``ipmi``, ``ansible`` …; ``engine`` for none."""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(_DRIVERS):
            return module.removeprefix(_DRIVERS).partition(".")[0]
        trace = trace.tb_next
    return "engine"


@dataclass(frozen=True, slots=True)
class CountedJudge:
    """Implements ``Judge`` over another, and counts what it finds wrong."""

    judge_: Judge
    counters: Counters

    def probes(self, desired: Desired) -> Sequence[str]:
        """As the other says."""
        return self.judge_.probes(desired)

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """The other's report, counted."""
        report = await self.judge_.judge(desired, bundles)
        self.counters.judged(report)
        return report


@dataclass(frozen=True, slots=True)
class TimedBus:
    """Implements ``Bus`` over another, and measures how old a message is when it is taken in hand."""

    bus: Bus
    clock: Clock
    counters: Counters

    async def wake(self, node: NodeKey) -> None:
        """As the other does."""
        await self.bus.wake(node)

    def wakes(self) -> AsyncIterator[NodeKey]:
        """As the other does."""
        return self.bus.wakes()

    async def publish(self, subject: str, data: bytes, *, dedupe: str | None = None) -> int:
        """As the other does."""
        return await self.bus.publish(subject, data, dedupe=dedupe)

    async def consume(self, durable: str, *subjects: str) -> AsyncIterator[Message]:
        """The other's messages, timed."""
        messages = self.bus.consume(durable, *subjects)
        try:
            async for message in messages:
                self.counters.lag(durable, self.clock.now() - message.time)
                yield message
        finally:
            if isinstance(messages, AsyncGenerator):
                await messages.aclose()  # gives back a message that was not acknowledged

    def log(self, run: str, step: str, line: bytes) -> None:
        """As the other does."""
        self.bus.log(run, step, line)

    def logged(self, run: str, step: str = "*", *, after: int = 0) -> AsyncIterator[Message]:
        """As the other does."""
        return self.bus.logged(run, step, after=after)
