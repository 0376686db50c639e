"""A store that keeps a line for each write of a holder that the server refused: the attempts that the fence exists for.

The refusal is the server's word (its answer 10071), noted where it arrives: a worker that stops by its own clock attempts
nothing and is not counted. The file is appended to line by line, so a worker that is killed later loses no line.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from workflows.engine.lease import LeaseRecord
from workflows.engine.ports import Guard, Store, Value
from workflows.model.errors import Conflict, Fenced


@dataclass(frozen=True, slots=True)
class WitnessedStore:
    """Implements ``ports.Store`` over another one."""

    inner: Store
    file: Path

    async def get(self, key: str) -> Value:
        """Read."""
        return await self.inner.get(key)

    async def list(self, pattern: str) -> list[Value]:
        """Read."""
        return await self.inner.list(pattern)

    async def put(self, key: str, data: bytes, *, expect: int, ttl: timedelta | None = None) -> int:
        """A compare-and-set; a refused *renewal* of a lease is a stale write, any other conflict is everyday life."""
        try:
            return await self.inner.put(key, data, expect=expect, ttl=ttl)
        except Conflict:
            if key.startswith("lease.") and LeaseRecord.decode(data).token:
                self._note("renewal", key)
            raise

    async def append(self, key: str, data: bytes, *, guard: Guard) -> int:
        """A write under a lease."""
        try:
            return await self.inner.append(key, data, guard=guard)
        except Fenced:
            self._note("append", key)
            raise

    async def delete(self, key: str, *, expect: int) -> None:
        """Delete."""
        await self.inner.delete(key, expect=expect)

    def watch(self, *patterns: str) -> AsyncIterator[Value]:
        """Read."""
        return self.inner.watch(*patterns)

    async def now(self) -> datetime:
        """Read."""
        return await self.inner.now()

    def _note(self, what: str, key: str) -> None:
        with self.file.open("a") as file:
            file.write(f"{what} {key}\n")
