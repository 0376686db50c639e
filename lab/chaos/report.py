"""What a chaos run came to, and whether that proves anything. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from workflows.engine.ports import Value
from workflows.model.journal import Entry, Kind

#: A node whose worker is gone is in another worker's hands within this, in seconds: TTL 20 s, a reconciler's tick, a claim.
#: Each further blow on a worker or on NATS before that may cost as much again: the successor itself may have been hit.
ORPHANED_AT_MOST = 30.0
#: After these a claim rests by itself: nobody has to go on before its wait is over.
_RESTING = (Kind.WAITING, Kind.PARKED, Kind.FINISHED, Kind.HELD, Kind.FAILED)


@dataclass(frozen=True, slots=True)
class Hit:
    """One blow against one victim, at the server's time. ``orphans`` are the leases it held: node and token.

    ``delays``: it can hold up a takeover, as one on a boot service can't. ``with_server``: a nats-server was lost with it.
    """

    kind: str
    victim: str
    at: datetime
    orphans: dict[str, int] = field(default_factory=dict)
    playing: frozenset[str] = frozenset()
    delays: bool = True
    with_server: bool = False


@dataclass(frozen=True, slots=True)
class Recovery:
    """One orphan: from the blow to the first entry of its successor. ``playing``: a live Ansible child died with it.

    ``again`` counts further blows that fell at once or before that and could delay it.
    """

    node: str
    kind: str
    seconds: float
    playing: bool
    again: int = 0


@dataclass(frozen=True, slots=True)
class Distribution:
    """How long several orphans waited, in seconds."""

    count: int
    median: float
    p90: float
    longest: float

    @classmethod
    def of(cls, recoveries: Sequence[Recovery]) -> Self | None:
        """None where there was none."""
        ordered = sorted(r.seconds for r in recoveries)
        if not ordered:
            return None
        count = len(ordered)
        return cls(count, ordered[count // 2], ordered[min(count - 1, int(count * 0.9))], ordered[-1])

    def __str__(self) -> str:
        return f"{self.count}: median {self.median:.1f} s, p90 {self.p90:.1f} s, longest {self.longest:.1f} s"


@dataclass(frozen=True, slots=True)
class ChaosReport:
    """Everything that was counted. The lists hold sentences; all but ``parked`` and ``skipped`` are defects.

    ``blows`` are those that hit, by kind; ``missed`` found nobody worth hitting, or nobody held anything.
    """

    seed: int
    runs: int
    seconds: float
    ends: dict[str, int]
    parked: list[str]
    unended: list[str]
    blows: dict[str, int]
    missed: int
    skipped: list[str]
    wipes: dict[str, int]
    double_wipes: list[str]
    stale_accepted: list[str]
    refused_by_store: dict[str, int]
    refused_by_bmc: dict[str, int]
    recoveries: list[Recovery]
    stranded: list[str]

    def problems(self) -> list[str]:
        """Why this run doesn't prove what it is for; empty where it does."""
        found = [*self.unended, *self.double_wipes, *self.stale_accepted, *self.stranded]
        if sum(self.ends.values()) + len(self.unended) != self.runs:
            found.append(f"{self.runs} nodes were staged, {sum(self.ends.values())} runs ended: some were lost")
        found += [
            f"{r.node} was an orphan for {r.seconds:.1f} s after {r.kind} and {r.again} more blows"
            for r in self.recoveries
            if r.seconds > ORPHANED_AT_MOST * (1 + r.again)
        ]
        if not self.recoveries:
            found.append("no run was taken over, so this proves nothing: use more runs")
        if not self.refused_by_store.get("append"):
            found.append("no stale write reached the store, so this proves nothing: use more runs")
        if not sum(self.refused_by_bmc.values()):
            found.append("no stale call reached a BMC, so this proves nothing: use more runs")
        return found

    def waits(self) -> dict[str, Distribution | None]:
        """How long orphans waited, by what held up their successors: each is in exactly one of the three."""
        plain = [r for r in self.recoveries if not r.playing and not r.again]
        return {
            "alone": Distribution.of(plain),
            "with_a_live_ansible": Distribution.of([r for r in self.recoveries if r.playing and not r.again]),
            "hit_again": Distribution.of([r for r in self.recoveries if r.again]),
        }

    def machines_by_wipes(self) -> dict[int, int]:
        """How many machines saw how many wipes."""
        return dict(sorted(Counter(self.wipes.values()).items()))

    def rows(self) -> list[list[str]]:
        """The account as people read it: what, and how often."""
        waits = {name: str(found or "none") for name, found in self.waits().items()}
        return [
            ["seed, runs, seconds", f"{self.seed}, {self.runs}, {self.seconds:.0f}"],
            ["runs by their end", _counts(self.ends)],
            *[[kind, str(count)] for kind, count in sorted(self.blows.items())],
            ["blows that hit nobody", str(self.missed)],
            ["left out", "; ".join(self.skipped) or "nothing"],
            ["machines by their wipes", _counts(self.machines_by_wipes())],
            ["double wipes", str(len(self.double_wipes))],
            ["acts under a stale token that were taken", str(len(self.stale_accepted))],
            ["takeovers", str(len(self.recoveries))],
            ["stale writes, refused by the store", _counts(self.refused_by_store)],
            ["stale calls, refused by BMCs", _counts(self.refused_by_bmc)],
            ["from the blow to the successor's first entry", waits["alone"]],
            ["the same, where a live Ansible child died too", waits["with_a_live_ansible"]],
            ["the same, where another blow fell before it", waits["hit_again"]],
        ]

    def json(self) -> dict[str, Any]:
        """The same for programs, with each machine, each recovery and each problem."""
        return asdict(self) | {
            "machines_by_wipes": self.machines_by_wipes(),
            "takeovers": len(self.recoveries),
            "recovery_seconds": {name: found and asdict(found) for name, found in self.waits().items()},
            "problems": self.problems(),
        }


def recoveries(hits: Sequence[Hit], journal: Sequence[Value]) -> tuple[list[Recovery], list[str]]:
    """How long each orphan waited for its successor, and those that never got one though their run went on."""
    entries: dict[str, list[tuple[int, Value]]] = {}
    for value in journal:
        node, token = _place(value.key)
        entries.setdefault(node, []).append((token, value))
    found, stranded = [], []
    for hit in hits:
        for node, token in hit.orphans.items():
            of_node = entries.get(node, [])
            first = next((v for t, v in of_node if t > token), None)
            last = next((v for t, v in reversed(of_node) if t == token), None)
            if last is not None and Entry.decode(last.data or b"").kind in _RESTING:
                continue
            if first is None:
                stranded.append(f"{node}: nobody took it over after {hit.kind} of {hit.victim}")
                continue
            seconds = (first.time - hit.at).total_seconds()
            again = hit.with_server + sum(other.delays and hit.at < other.at < first.time for other in hits)
            found.append(Recovery(node, hit.kind, round(seconds, 2), node in hit.playing, again))
    return found, stranded


def late_entries(journal: Sequence[Value]) -> list[str]:
    """Entries that the store took from an older holder after one of a newer holder of the same node."""
    newest: dict[str, int] = {}
    found = []
    for value in journal:
        node, token = _place(value.key)
        if token < newest.get(node, 0):
            found.append(f"{value.key} was stored after an entry under token {newest[node]}")
        newest[node] = max(token, newest.get(node, 0))
    return found


def _counts(counts: dict[str, int] | dict[int, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"


def _place(key: str) -> tuple[str, int]:
    """Node and token of ``journal.<site>.<id>.<cause>.<token>.<n>``."""
    _, site, name, _, token, _ = key.split(".")
    return f"{site}.{name}", int(token)
