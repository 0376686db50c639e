"""What was asked of a lab BMC: every request by verb and path, what came too late, and which session was obeyed."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class StaleWrite:
    """A write under a session that was ended, or that never was (``known`` False). It is always refused."""

    verb: str
    path: str
    known: bool


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A change that was made, and the number of the session that asked for it: sessions are numbered as they open."""

    session: int
    verb: str
    path: str


@dataclass(slots=True)
class Ledger:
    """Counts of one BMC since its start or the last ``clear``. ``stale_reads`` came under a session that was ended."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    stale_writes: list[StaleWrite] = field(default_factory=list)
    stale_reads: int = 0
    obeyed: list[Obeyed] = field(default_factory=list)
    _awaited: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)

    def saw(self, verb: str, path: str) -> None:
        """Count a request."""
        self.requests[verb, path] += 1
        if (verb, path) in self._awaited:
            self._awaited.pop((verb, path)).set()

    async def arrival(self, verb: str, path: str) -> None:
        """Wait for the next such request; it is counted then, and not yet answered."""
        await self._awaited.setdefault((verb, path), asyncio.Event()).wait()

    def clear(self) -> None:
        """Begin anew."""
        self.requests.clear()
        self.stale_writes.clear()
        self.stale_reads = 0
        self.obeyed.clear()

    @property
    def total(self) -> int:
        """All requests."""
        return self.requests.total()

    @property
    def writes(self) -> int:
        """Requests that change something, logins and logouts included, whether or not they were obeyed."""
        return sum(count for (verb, _), count in self.requests.items() if verb not in READS)

    @property
    def summary(self) -> str:
        """The counts as people read them, one line each, stale writes first."""
        lines = [
            f"stale write: {w.verb} {w.path} ({'ended' if w.known else 'unknown'} session)" for w in self.stale_writes
        ]
        lines += [f"{count:6d} {verb} {path}" for (verb, path), count in sorted(self.requests.items())]
        return "\n".join(lines)
