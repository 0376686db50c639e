"""A claim: one worker, one node, one run, one lease. The only writer of journal and status entries.

Theory of operation. A claim appends ``claimed`` and folds the journal until it sees that very entry: a store that answers
from a replica may be behind what the last holder wrote. From then on its own fold is the truth, because nobody else can
append under this run while the lease is held. A claim always ends with an entry of its own (done, waiting, parked ...); one
that didn't was ended by its step, and three of those in a row park the run.

A write without an answer may have happened. From then on the claim's own fold is no truth any more, so it writes nothing
further: the next look folds what the store really has. An entry that the table doesn't allow is refused before it is
written, because a journal that holds one can't be folded by anybody again.
"""

import logging
from datetime import datetime, timedelta

from workflows.engine.lease import Lease
from workflows.engine.observer import Observer
from workflows.engine.ports import Bus, Clock, Store
from workflows.engine.shown import shown
from workflows.model.campaign import Campaign, campaign_key
from workflows.model.command import Request
from workflows.model.errors import Unreachable
from workflows.model.journal import Entry, Fold, Kind, journal_key
from workflows.model.journal import fold as fold_entries
from workflows.model.keys import site_of
from workflows.model.run import Run
from workflows.model.status import NodeStatus

log = logging.getLogger("bringup.run")

_TOLD = (Kind.PARKED, Kind.FINISHED, Kind.FAILED, Kind.APPROVED, Kind.DENIED, Kind.CANCELLED, Kind.HELD, Kind.UNHELD)
_READ_BACK = timedelta(seconds=10)


class Claim:
    """Writes a run's journal under a lease and keeps the node's status in step with the fold."""

    def __init__(
        self, store: Store, bus: Bus, clock: Clock, lease: Lease, run: Run, status: NodeStatus, observer: Observer
    ):
        self.store, self.bus, self.clock, self.lease, self.run = store, bus, clock, lease, run
        self.state = Fold()
        self.first = True
        self._status, self._observer = status, observer
        self._campaign: tuple[int, Campaign | None] | None = None
        self._entries: list[tuple[Entry, datetime]] = []
        self._number = 0
        self._unsure = False

    async def begin(self) -> None:
        """Append ``claimed`` and fold until it is seen.

        Raises:
            Fenced: the lease is gone.
            Unreachable: the store doesn't show the entry within 10 s.
        """
        await self._write(Entry(kind=Kind.CLAIMED, token=self.lease.token, worker=self.lease.worker))
        prefix = f"journal.{self.run.node}.{self.run.cause}.>"
        mine = journal_key(self.run.node, self.run.cause, self.lease.token, 0)
        deadline = self.clock.now() + _READ_BACK
        while True:
            found = await self.store.list(prefix)
            if any(v.key == mine for v in found):
                break
            if self.clock.now() > deadline:
                raise Unreachable(f"{self.run.id}: the store doesn't show our own claim; another look follows")
            await self.clock.sleep(timedelta(milliseconds=100))
        self._entries = [(Entry.decode(v.data), v.time) for v in found if v.data is not None]
        self.first = all(e.token == self.lease.token for e, _ in self._entries)
        self.state = fold_entries(self.run, self._entries)
        self._status = shown(self.run, self.state, self._status)  # whatever is written first says that the run is open

    async def append(self, kind: Kind, **fields: object) -> None:
        """Append an entry for the current step, then bring status (and, where people care, a note) up to date.

        Raises:
            Fenced: the lease is gone; nothing was written.
            Unreachable: no answer to this write or to an earlier one; the claim writes nothing more.
            BadInput: a defect of bringup: the run's phase doesn't allow the entry; nothing was written.
        """
        self._stop_if_unsure()
        entry = Entry.model_validate(
            {
                "kind": kind,
                "token": self.lease.token,
                "worker": self.lease.worker,
                "step": self.state.step,
                "attempt": self.state.attempt,
                **fields,
            }
        )
        entries = [*self._entries, (entry, self.clock.now())]
        state = fold_entries(self.run, entries)
        await self._write(entry)
        log.info("%s: %s %s", self.run.id, kind.value, entry.reason)
        self._entries, self.state = entries, state
        self._observer.appended(self.run, entry, state)
        await self.show()
        if kind in _TOLD:
            await self.tell(kind.value)

    async def session(self, uri: str) -> None:
        """Append the URI of this claim's BMC session."""
        await self.append(Kind.SESSION, session=uri)

    async def request(self) -> Request | None:
        """What people ask of the node now."""
        value = await self.store.get(f"request.{self.run.node}")
        return Request.decode(value.data) if value.data is not None else None

    async def campaign(self) -> Campaign | None:
        """The campaign of this run as it stands now, None where it is of none."""
        run = self.run
        if run.campaign is None:
            return None
        value = await self.store.get(campaign_key(site_of(run.node), run.campaign))
        if self._campaign is None or self._campaign[0] != value.seq:
            self._campaign = value.seq, Campaign.decode(value.data) if value.data is not None else None
        return self._campaign[1]

    async def answered(self, sequence: int) -> None:
        """Note that requests up to this one were considered."""
        if sequence > self._status.answered:
            self._status = self._status.model_copy(update={"answered": sequence})
            await self._write_status()

    async def show(self) -> None:
        """Write ``status.<node>``: a cache of the fold."""
        self._status = shown(self.run, self.state, self._status)
        await self._write_status()

    async def tell(self, phase: str) -> None:
        """Publish a note; a lost note is caught up by whoever follows status."""
        try:
            await self.bus.publish(f"note.{phase}.{self.run.node}", self._status.encode())
        except Unreachable:
            return

    async def _write(self, entry: Entry) -> None:
        key = journal_key(self.run.node, self.run.cause, self.lease.token, self._number)
        await self._append(key, entry.encode())
        self._number += 1

    async def _write_status(self) -> None:
        await self._append(f"status.{self.run.node}", self._status.encode())

    async def _append(self, key: str, data: bytes) -> None:
        self._stop_if_unsure()
        try:
            await self.lease.append(key, data)
        except Unreachable:
            self._unsure = True
            raise

    def _stop_if_unsure(self) -> None:
        if self._unsure:
            raise Unreachable(f"{self.run.id}: whether its last entry was written is not known; another look follows")
