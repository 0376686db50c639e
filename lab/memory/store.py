"""The state in memory: one sequence over all keys, compare-and-set, guards, expiry with markers, and watches.

Each call lets other tasks run once before it acts, so two callers race here as they do over a network. ``down`` makes all
calls raise Unreachable; ``lose_answers`` lets that many writes happen whose acknowledgement is lost.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from lab.memory.clock import LocalClock, Timers
from lab.memory.pattern import matches
from workflows.engine.ports import Guard, Value
from workflows.jetstream.table import MARKER_TTL
from workflows.model.errors import BadInput, Conflict, Fenced, Unreachable


class MemoryStore:
    """Implements ``ports.Store``. Records expire by the clock that it is given."""

    def __init__(self, clock: Timers | None = None):
        self._clock: Timers = clock or LocalClock()
        self._records: dict[str, Value] = {}
        self._by_node: defaultdict[str, dict[str, Value]] = defaultdict(dict)
        self._sequence = 0
        self._watchers: list[tuple[tuple[str, ...], asyncio.Queue[Value]]] = []
        self.down = False
        self.lose_answers = 0

    @property
    def sequence(self) -> int:
        """The newest sequence: whoever saw the store at that moment saw everything up to it."""
        return self._sequence

    async def get(self, key: str) -> Value:
        """The newest record; sequence 0 where there never was one. A marker has a sequence and no data."""
        await self._turn()
        return self._records.get(key, Value(key, None, 0, datetime.fromtimestamp(0, UTC)))

    async def list(self, pattern: str) -> list[Value]:
        """All live records that match, ordered by sequence."""
        await self._turn()
        return [*self._live((pattern,))]

    async def put(self, key: str, data: bytes, *, expect: int, ttl: timedelta | None = None) -> int:
        """Write if the key's newest sequence is still ``expect``."""
        await self._turn()
        if ttl is not None and ttl < timedelta(seconds=1):
            raise BadInput(f"{key}: a record lives at least 1 s, not {ttl.total_seconds()} s")
        self._compare(key, expect)
        seq = self._write(key, data)
        if ttl is not None:
            self._clock.call_at(self._clock.now() + ttl, partial(self._expire, key, seq))
        self._answer(key)
        return seq

    async def append(self, key: str, data: bytes, *, guard: Guard) -> int:
        """Write under a lease; refused once the lease is not at the guard's sequence."""
        assert guard.seq > 0, "a guard of 0 is accepted where no lease exists"
        while True:
            await self._turn()
            if self._seq(guard.lease_key) != guard.seq:
                raise Fenced(f"{key}: {guard.lease_key} is not at {guard.seq} any more; nothing was written")
            seq = self._write(key, data)
            try:
                self._answer(key)
            except Unreachable:
                continue
            return seq

    async def delete(self, key: str, *, expect: int) -> None:
        """Delete if the newest sequence is still ``expect``."""
        await self._turn()
        self._compare(key, expect)
        self._write(key, None)
        self._answer(key)

    async def watch(self, *patterns: str) -> AsyncIterator[Value]:
        """Current records that match, then each change for ever."""
        await self._turn()
        changes: asyncio.Queue[Value] = asyncio.Queue()
        watcher = (patterns, changes)
        self._watchers.append(watcher)
        try:
            for value in self._live(patterns):
                yield value
            while True:
                yield await changes.get()
        finally:
            self._watchers.remove(watcher)

    async def now(self) -> datetime:
        """The clock's time."""
        await self._turn()
        return self._clock.now()

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise Unreachable("the store in memory is down")

    def _seq(self, key: str) -> int:
        return self._records[key].seq if key in self._records else 0

    def _compare(self, key: str, expect: int) -> None:
        if self._seq(key) != expect:
            raise Conflict(f"{key} has changed meanwhile; read it again and decide again")

    def _live(self, patterns: tuple[str, ...]) -> Sequence[Value]:
        found: dict[str, Value] = {}
        for pattern in patterns:
            node = _node(pattern)
            records = self._records if "*" in node or ">" in node else self._by_node.get(node, {})
            found |= {k: v for k, v in records.items() if v.data is not None and matches(pattern, k)}
        return sorted(found.values(), key=lambda v: v.seq)

    def _write(self, key: str, data: bytes | None) -> int:
        self._sequence += 1
        value = Value(key, data, self._sequence, self._clock.now())
        self._records[key] = self._by_node[_node(key)][key] = value
        for patterns, changes in self._watchers:
            if any(matches(p, key) for p in patterns):
                changes.put_nowait(value)
        return value.seq

    def _expire(self, key: str, seq: int) -> None:
        if self._seq(key) == seq:
            marker = self._write(key, None)
            self._clock.call_at(self._clock.now() + MARKER_TTL, partial(self._forget, key, marker))

    def _forget(self, key: str, seq: int) -> None:
        if self._seq(key) == seq:
            del self._records[key], self._by_node[_node(key)][key]

    def _answer(self, key: str) -> None:
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise Unreachable(f"{key}: the acknowledgement was lost")


def _node(key: str) -> str:
    """The first three parts, which a node's records of one kind share: ``journal.<site>.<id>``."""
    return ".".join(key.split(".", 3)[:3])
