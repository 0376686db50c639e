"""The lease: the right to work on one node, kept alive while it is held, and known to be lost before the store says so.

Theory of operation. ``lease.<node>`` is created by compare-and-set with a TTL and renewed by compare-and-set, so the
server decides who holds it. Its *token* is the sequence of the acquisition and never changes during the claim; its
*guard* is the newest sequence, which every append under the lease must name. A renewal and an append in flight at the
same time would refuse each other, so both go through one lock. The holder stops by itself when the TTL has passed since
the last renewal that was acknowledged, measured from *before* that renewal was sent: a paused or cut-off worker never
believes longer than the server does.
"""

import asyncio
from datetime import datetime, timedelta

from workflows.engine.ports import Clock, Guard, Store
from workflows.model.errors import Conflict, Fenced, Transient
from workflows.model.keys import NodeKey
from workflows.model.record import Record

TTL = timedelta(seconds=20)


class LeaseRecord(Record):
    """What stands under ``lease.<node>``. ``token`` is 0 until the first renewal: then the record's own sequence is."""

    worker: str
    token: int = 0


class Lease:
    """A lease that is held. Made by ``acquire`` only."""

    def __init__(
        self, store: Store, clock: Clock, node: NodeKey, worker: str, seq: int, until: datetime, ttl: timedelta
    ):
        self.node, self.worker, self.token, self.ttl = node, worker, seq, ttl
        self.until = until
        self._store, self._clock, self._seq = store, clock, seq
        self._lock = asyncio.Lock()

    @classmethod
    async def acquire(
        cls, store: Store, clock: Clock, node: NodeKey, worker: str, ttl: timedelta = TTL
    ) -> "Lease | None":
        """Take the lease if nobody holds it; None where somebody does, or took it in between."""
        key = f"lease.{node}"
        current = await store.get(key)
        if current.data is not None:
            return None
        sent = clock.now()
        try:
            seq = await store.put(key, LeaseRecord(worker=worker).encode(), expect=current.seq, ttl=ttl)
        except Conflict:
            return None
        return cls(store, clock, node, worker, seq, sent + ttl, ttl)

    def outlasts(self, duration: timedelta) -> bool:
        """Whether the lease, without another renewal, is certain to be ours for this long."""
        return self._clock.now() + duration < self.until

    async def append(self, key: str, data: bytes) -> int:
        """Write under the lease.

        Raises:
            Fenced: it is not ours any more, by the server's word or by our own clock.
        """
        async with self._lock:
            if self._clock.now() >= self.until:
                raise Fenced(f"{self.node}: the lease of {self.worker} has run out; another worker goes on")
            return await self._store.append(key, data, guard=Guard(f"lease.{self.node}", self._seq))

    async def renew(self) -> None:
        """Renew once.

        Raises:
            Fenced: somebody else holds it, or it expired.
            Unreachable: no answer; it may still be ours until ``until``.
        """
        async with self._lock:
            sent = self._clock.now()
            record = LeaseRecord(worker=self.worker, token=self.token).encode()
            try:
                self._seq = await self._store.put(f"lease.{self.node}", record, expect=self._seq, ttl=self.ttl)
            except Conflict:
                if not await self._ghost(record):
                    raise Fenced(f"{self.node}: the lease of {self.worker} is gone; another worker goes on") from None
            self.until = sent + self.ttl

    async def _ghost(self, record: bytes) -> bool:
        """Whether the refused renewal is our own earlier one whose acknowledgement was lost."""
        value = await self._store.get(f"lease.{self.node}")
        if value.data != record:
            return False
        self._seq = value.seq
        return True

    async def keep(self) -> None:
        """Renew three times a TTL until cancelled, at once again where there was no answer; returns when it is lost."""
        pause = self.ttl / 3
        while True:
            await self._clock.sleep(pause)
            try:
                await self.renew()
                pause = self.ttl / 3
            except Fenced:
                return
            except Transient:
                pause = self.ttl / 40
                if self._clock.now() >= self.until:
                    return

    async def release(self) -> None:
        """Give it back; one that is already gone is no error."""
        async with self._lock:
            try:
                await self._store.delete(f"lease.{self.node}", expect=self._seq)
            except (Conflict, Transient):
                return
