"""The service: everything that says *look at these devices*, merged, and the one loop that looks.

Hints that come while a look is under way are merged into the next: sixty devices created at once send hundreds of hooks
and cost a few looks. Nothing is lost when a look fails: what it was for is kept and tried again after ``retry_after``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from inventory_sync.changelog import ChangeLog
from inventory_sync.fanout import Touched
from inventory_sync.profiles import Profiles
from inventory_sync.project import pk_of
from inventory_sync.sync import Sync
from workflows.engine.ports import Clock
from workflows.model.errors import BadInput, Conflict, Refused, Transient

log = logging.getLogger(__name__)

DURABLE = "inventory-sync"


@dataclass(slots=True)
class _Pending:
    """What waits to be looked at."""

    what: Touched = field(default_factory=Touched)
    some: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, what: Touched) -> None:
        self.what |= what
        if self.what:
            self.some.set()

    async def take(self) -> Touched:
        await self.some.wait()
        what, self.what = self.what, Touched()
        self.some.clear()
        return what


@dataclass(slots=True)
class InventorySync:
    """Keeps one site in step with its NetBox for ever; ``run`` is all of it but the webhook endpoint."""

    sync: Sync
    clock: Clock
    _pending: _Pending = field(default_factory=_Pending)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until cancelled. What NetBox or the store refuse is logged and tried again."""
        await self._persist("load", self.sync.load)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            group.create_task(self._hints())
            group.create_task(self._changes())
            group.create_task(self._resync())
            group.create_task(self._statuses())

    def use(self, profiles: Profiles) -> None:
        """Work with other profiles from now on: a wish that they change gets a new generation."""
        self.sync.profiles = profiles
        self._pending.add(Touched(everything=True))

    async def _look(self) -> None:
        while True:
            what = await self._pending.take()
            await self._persist("look", lambda what=what: self.sync.look_at(what))  # type: ignore[misc]
            if what.devices:
                self._changed.set()

    async def _hints(self) -> None:
        """Webhooks' hints. A hint lost between here and the look is the change log's to bring again."""
        async for message in self.sync.bus.consume(DURABLE, "evt.netbox.>"):
            try:
                self._pending.add(Touched.decode(message.data))
            except BadInput as error:
                await self.sync.bus.publish("dead.netbox", f"{message.subject} #{message.sequence}: {error}".encode())

    async def _changes(self) -> None:
        """The change log, right after a device was looked at, else every ``changes_every`` seconds."""
        log_of_netbox = ChangeLog(self.sync)
        while True:
            with suppress(Conflict):
                await self._persist("change log", log_of_netbox.poll)
            await self._sleep_or(self._changed, self.sync.settings.changes_every)

    async def _resync(self) -> None:
        while True:
            self._pending.add(Touched(everything=True))
            await self.clock.sleep(timedelta(seconds=self.sync.settings.resync_every))

    async def _statuses(self) -> None:
        """A changed status of ours is a reason to look: write-back compares at each look."""
        async for value in self.sync.store.watch("status.>"):
            pk = pk_of(value.key.partition(".")[2])
            if pk is not None:
                self._pending.add(Touched(devices=frozenset({pk})))

    async def _persist(self, what: str, act: Callable[[], Awaitable[object]]) -> None:
        """Do it, again after a while for as long as the other side doesn't answer, or refuses our token.

        What NetBox calls a bad request would be one again: it is left to the next resync.
        """
        while True:
            try:
                await act()
            except BadInput as error:
                log.error("%s: %s; left to the next resync", what, error)
                return
            except (Transient, Refused) as error:
                log.warning("%s: %s; next attempt in %s s", what, error, self.sync.settings.retry_after)
                await self.clock.sleep(timedelta(seconds=self.sync.settings.retry_after))
            else:
                return

    async def _sleep_or(self, event: asyncio.Event, seconds: float) -> None:
        sleeper = asyncio.ensure_future(self.clock.sleep(timedelta(seconds=seconds)))
        waiter = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((sleeper, waiter), return_when=asyncio.FIRST_COMPLETED)
            event.clear()
        finally:
            sleeper.cancel()
            waiter.cancel()
