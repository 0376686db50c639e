"""Caps: the one mechanism by which what touches many nodes is kept from happening all at once.

Theory of operation. A limit names a record and how many places it has. ``take`` adds the holder to each record by
compare-and-set, all or none: where one is full, the places that were just taken are given back, so nobody sits on one cap
while he waits for another. Taking twice is taking once. A place is given back at the end, or falls free after its window.
A holder that was killed, or overtaken after its run had ended, never gives back: when a record is full, places whose run
has finished are nobody's. The runs of one worker change a record in turns, for all but one of those that try at once would
meet a conflict and read and write it again; between workers the compare-and-set decides.

============================ ============================================== ========================= ==================
record                       places                                         taken                     free
============================ ============================================== ========================= ==================
``cap.<site>``               ``wipes_at_once``: machines writing at once    before a grant opens      with the grant
``cap.<site>.rack-<rack>``   ``rack_at_once``: nodes of a rack, in service  before the run's first    with the run
                             before, that are out at once                   disruptive step
the same, ``-firmware``      1: nodes of a rack, in service before, whose   the same                  the same
                             firmware is updated at once
``cap.<site>.again-hour``    ``wipes_per_hour``: nodes in service before    the same                  after an hour
``cap.<site>.new-hour``      ``new_per_hour``: nodes never in service       the same                  after an hour
``cap.<site>.power-on``      ``power_on_per_minute``: machines switched on  before a step that        after a minute
                                                                            switches on
============================ ============================================== ========================= ==================
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflows.engine.look import replay
from workflows.engine.ports import Store, Value
from workflows.model.cap import Cap, Slot
from workflows.model.errors import Conflict
from workflows.model.journal import Phase
from workflows.model.keys import site_of, slug
from workflows.model.run import Run
from workflows.model.settings import SiteSettings

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
#: The steps that switch a machine on; ``deploy`` does when it sends a machine again that lost power.
SWITCH_ON = ("apply_on", "power_on", "deploy", "reboot")
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Limit:
    """One cap as one holder meets it. ``holder`` ends in ``<node>.<cause>`` or a grant of it; ``about`` is for people."""

    key: str
    about: str
    most: int
    holder: str
    window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Full:
    """Why there is no place: the limit, who holds it, and when the first one falls free by itself."""

    limit: Limit
    slots: tuple[Slot, ...]

    @property
    def free_at(self) -> datetime | None:
        """None where a place is free only when its holder gives it back."""
        return min((s.until for s in self.slots if s.until is not None), default=None)

    def reason(self) -> str:
        """The cap and its holders, in words."""
        nodes = [".".join(s.holder.removeprefix("grant.").split(".")[:2]) for s in self.slots]
        more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
        held = f", held by {', '.join(nodes[:_NAMED])}{more}" if nodes else ""
        return f"{self.limit.about}: {self.limit.most} is the cap ({self.limit.key}){held}"


def limit_of_grant(run: Run, grant: str, settings: SiteSettings) -> Limit:
    """The cap that one grant needs a place of."""
    return Limit(f"cap.{site_of(run.node)}", "machines that write their disk at once", settings.wipes_at_once, grant)


def limits_of_run(run: Run, settings: SiteSettings) -> tuple[Limit, ...]:
    """The caps that a run needs a place of before its first disruptive step."""
    site, rack = site_of(run.node), run.desired.rack
    if not run.in_service:
        return (Limit(f"cap.{site}.new-hour", "new nodes begun in an hour", settings.new_per_hour, run.id, HOUR),)
    window = Limit(f"cap.{site}.again-hour", "nodes taken out in an hour", settings.wipes_per_hour, run.id, HOUR)
    if rack is None:
        return (window,)
    key = f"cap.{site}.rack-{slug(rack)}"
    of_rack = Limit(key, f"nodes of rack {rack} out at once", settings.rack_at_once, run.id)
    if run.workflow != "firmware":
        return of_rack, window
    flashing = Limit(f"{key}-firmware", f"nodes of rack {rack} whose firmware is updated at once", 1, run.id)
    return flashing, of_rack, window


def limits_of_power_on(run: Run, step: str, settings: SiteSettings) -> tuple[Limit, ...]:
    """The cap that a step needs a place of which may switch its machine on; none where the site has set none."""
    most = settings.power_on_per_minute
    if step not in SWITCH_ON or most is None:
        return ()
    key = f"cap.{site_of(run.node)}.power-on"
    return (Limit(key, "machines switched on within a minute", most, run.id, MINUTE),)


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of one site, as one worker's runs meet them."""

    store: Store
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock), repr=False)

    async def take(self, limits: tuple[Limit, ...], now: datetime, *, over: bool = False) -> Full | None:
        """Take a place of each, or of none and say of which there was none. ``over``: beyond the limit, as a person said."""
        for number, limit in enumerate(limits):
            async with self._turns[limit.key]:
                full = await self._take(limit, now, over)
            if full is not None:
                for taken in limits[:number]:
                    await self.give_back(taken)
                return full
        return None

    async def give_back(self, limit: Limit) -> None:
        """Free the holder's place; one that is free already is no error."""
        async with self._turns[limit.key]:
            while True:
                cap, value = await self._read(limit.key)
                if not cap.has(limit.holder):
                    return
                left = tuple(s for s in cap.slots if s.holder != limit.holder)
                if await self._write(value, left):
                    return

    async def holds(self, limit: Limit) -> bool:
        """Whether the holder has a place."""
        cap, _ = await self._read(limit.key)
        return cap.has(limit.holder)

    async def _take(self, limit: Limit, now: datetime, over: bool) -> Full | None:
        mine = Slot(holder=limit.holder, until=now + limit.window if limit.window is not None else None)
        while True:
            cap, value = await self._read(limit.key)
            if any(s.holder == limit.holder for s in cap.live(now)):
                return None
            slots = cap.live(now)
            if len(slots) >= limit.most and not over:
                slots = tuple([s for s in slots if s.until is not None or not await self._nobodys(s.holder)])
                if len(slots) >= limit.most:
                    return Full(limit, slots)
            if await self._write(value, (*slots, mine)):
                return None

    async def _nobodys(self, holder: str) -> bool:
        """Whether the run that holds a place has finished: a worker that was overtaken took it too late to give it back."""
        site, node, cause = holder.removeprefix("grant.").split(".")[:3]
        value = await self.store.get(f"run.{site}.{node}.{cause}")
        return value.data is None or (await replay(self.store, Run.decode(value.data))).phase is Phase.FINISHED

    async def _read(self, key: str) -> tuple[Cap, Value]:
        value = await self.store.get(key)
        return (Cap.decode(value.data) if value.data is not None else Cap()), value

    async def _write(self, value: Value, slots: tuple[Slot, ...]) -> bool:
        try:
            await self.store.put(value.key, Cap(slots=slots).encode(), expect=value.seq)
        except Conflict:
            return False
        return True
