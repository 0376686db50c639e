"""``chaos``: so many runs of ``provision``, with blows dealt out until the last one has ended; then the account of it.

The seed decides kinds, victims and pauses; when exactly a blow falls is up to the machine it runs on, so the same seed
gives the same list of blows and never quite the same run. Until both fences were tried by a worker that had lost its node
(``blows``), only a few nodes are under way at a time, so that a small number of runs shows it too.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from lab.chaos.blows import Blows
from lab.chaos.report import ChaosReport, late_entries, recoveries
from lab.chaos.site import SITE, ChaosSite, chaos_site
from workflows.engine.lease import TTL
from workflows.model.grant import Grant, GrantState
from workflows.model.status import NodeState, NodeStatus

_GAP = (0.5, 2.5)
_FEW = 4
_TELL_SECONDS = 10.0
#: After the last pause a worker that was overtaken needs a third of a lease to notice by itself.
_AFTERMATH = TTL / 3 + timedelta(seconds=2)


async def chaos(
    runs: int,
    seed: int,
    patience: timedelta,
    *,
    workers: int,
    window: int,
    real_every: int,
    keep: Path | None,
    left_out: str,
    say: Callable[[str], None],
) -> ChaosReport:
    """Run it. ``window`` nodes are under way at a time; ``keep`` is a directory for all logs, else nothing is left.

    ``left_out`` is what ``island.private_network`` said: where it is empty, servers are cut off too. ``say`` gets a line
    for each blow, and one every 10 s.

    Raises:
        RuntimeError: a process of the lab did not start.
    """
    with tempfile.TemporaryDirectory(prefix="bringup-chaos-") as temporary:
        directory = keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            say(f"starting 3 nats-servers, {workers} workers, 2 boot services and {runs} machines")
            site = await chaos_site(stack, directory, runs, workers, real_every, with_island=not left_out)
            return await _Chaos(site, seed, left_out, say).run(patience, window)


class _Chaos:
    def __init__(self, site: ChaosSite, seed: int, left_out: str, say: Callable[[str], None]):
        self.site, self.seed, self.left_out = site, seed, left_out
        self.rng = random.Random(seed)  # noqa: S311 - chooses victims, guards nothing
        self.statuses: dict[str, NodeStatus] = {}
        self.began = time.monotonic()
        self._moved = asyncio.Event()
        self._say = say
        self.blows = Blows(site, self.rng, self.statuses, self.say)

    def say(self, what: str) -> None:
        """A line for the reader, with the seconds since the start."""
        self._say(f"{time.monotonic() - self.began:5.0f} s  {what}")

    async def run(self, patience: timedelta, window: int) -> ChaosReport:
        self.began = time.monotonic()
        watching = asyncio.create_task(self._watch())
        works = (self._stage(window), self._deal(), self.site.keep_up(), self._tell())
        working = [asyncio.create_task(work) for work in works]
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await working[0]
                await self._until_at_most(0, len(self.site.wishes))
        except TimeoutError:
            pass  # what has not ended is named in the report
        finally:
            for task in working:
                task.cancel()
            for ended in await asyncio.gather(*working, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        seconds = time.monotonic() - self.began
        self.say("no more blows: what is paused goes on, then everything is counted")
        await self.blows.over()
        await asyncio.sleep(_AFTERMATH.total_seconds())
        watching.cancel()
        return await self._report(seconds)

    async def _watch(self) -> None:
        async for value in self.site.site.store.watch(f"status.{SITE}.*"):
            if value.data is not None:
                status = NodeStatus.decode(value.data)
                self.statuses[status.node] = status
                self._moved.set()

    async def _stage(self, window: int) -> None:
        for number, wish in enumerate(self.site.wishes):
            few = window if self.site.fences_tried() else min(window, _FEW)
            await self._until_at_most(few - 1, number)
            await self.site.inventory.stage(wish, self.site.site.store, self.site.site.bus)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            staged = [w.node for w in self.site.wishes if w.node in self.statuses]
            ended = sum(map(self._ended, staged))
            self.say(f"{ended} of {len(self.site.wishes)} runs have ended, {len(staged) - ended} are under way")

    async def _deal(self) -> None:
        await self._moved.wait()  # until then the workers are still starting
        while True:
            await asyncio.sleep(self.rng.uniform(*_GAP))
            await self.blows.deal()

    async def _until_at_most(self, many: int, staged: int) -> None:
        """Wait until no more than so many of the nodes staged so far are under way."""
        while sum(not self._ended(w.node) for w in self.site.wishes[:staged]) > many:
            self._moved.clear()
            await self._moved.wait()

    def _ended(self, node: str) -> bool:
        """Ended, or in a person's hands: nobody works on it any more."""
        status = self.statuses.get(node)
        return status is not None and (bool(status.outcome) or status.state is NodeState.PARKED)

    async def _report(self, seconds: float) -> ChaosReport:
        store, hits = self.site.site.store, self.blows.hits
        journal = await store.list(f"journal.{SITE}.>")
        grants = [Grant.decode(v.data or b"") for v in await store.list(f"grant.{SITE}.>")]
        taken = frozenset(f"{g.node}.{g.cause}.{g.attempt}" for g in grants if g.state in _WRITTEN)
        machines = (await self.site.accounts()).machines
        recovered, stranded = recoveries(hits, journal)
        ended = [self.statuses[w.node] for w in self.site.wishes if self._ended(w.node)]
        return ChaosReport(
            seed=self.seed,
            runs=len(self.site.wishes),
            seconds=round(seconds, 1),
            ends=dict(Counter(s.outcome or s.state.value for s in ended)),
            parked=[f"{s.node}: {s.step}: {s.reason}" for s in ended if not s.outcome],
            unended=[
                f"{w.node}: no end; {s.step}: {s.reason}" if (s := self.statuses.get(w.node)) else f"{w.node}: no run"
                for w in self.site.wishes
                if not self._ended(w.node)
            ],
            blows=dict(Counter(hit.kind for hit in hits)),
            missed=self.blows.missed,
            skipped=[self.left_out] if self.left_out else [],
            wipes={m.name: len(m.wiped_under) for m in machines},
            double_wipes=[line for m in machines for line in m.double_wipes(taken)],
            stale_accepted=late_entries(journal) + [line for m in machines for line in m.stale_acts()],
            refused_by_store=dict(Counter(line.split()[0] for line in self.site.refusals())),
            refused_by_bmc={
                "writes": sum(len(m.stale_writes) for m in machines),
                "reads": sum(m.stale_reads for m in machines),
            },
            recoveries=recovered,
            stranded=stranded,
        )


_WRITTEN = (GrantState.TAKEN, GrantState.REPORTED)
