"""A ring of all nodes that is slow: whose fault it is, by halves.

Theory of operation. Some faults show only in a collective. The ring of all nodes runs; if it is slow it is split, and both
halves run at the same time, each filled up with nodes that are known to be good so that it stays as long as it can. A
half that is slow is split again, a half that is not is good as a whole. Both may be slow: then both are split, and as
the groups are disjoint that costs no more rounds. A single node runs with good ones only, and once more before it is
accused. Where no half is slow though the whole was, nobody is accused: the fault lies between the halves or in the
length, and that is said. log2(N) + 3 rounds at most.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from burn_in.group.matrix import Finding, Kind

type Ring = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Halving:
    """The search at one moment. ``suspects``: groups that hold a fault; ``good``: who is known to be good."""

    nodes: Ring
    round: int = 0
    suspects: tuple[Ring, ...] = ()
    good: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()
    between: tuple[Ring, ...] = ()

    @property
    def limit(self) -> int:
        """The rounds that it takes at most."""
        return math.ceil(math.log2(max(2, len(self.nodes)))) + 3

    @property
    def rings(self) -> dict[Ring, Ring]:
        """The disjoint rings of the next round, by the suspects in each; none: it is over."""
        if self.round == 0:
            return {self.nodes: self.nodes} if len(self.nodes) > 1 else {}
        groups = self._groups()
        if not groups or self.round >= self.limit:
            return {}
        spare = sorted(self.good)
        share = max(1, len(spare) // len(groups))
        filled = {}
        for group in sorted(groups, key=len):  # a node alone needs one most
            fill, spare = spare[: min(share, len(group))], spare[min(share, len(group)) :]
            if len(group) + len(fill) > 1:
                filled[group] = (*group, *fill)
        return filled

    def after(self, slow: Sequence[Ring]) -> "Halving":
        """The search that knows which of ``rings`` were slow or did not end, named by their suspects."""
        ran, slow_groups = self.rings, set(slow)
        fine = {node for group in ran if group not in slow_groups for node in group}
        after = replace(self, round=self.round + 1, good=self.good | fine)
        if self.round == 0:
            return replace(after, suspects=(self.nodes,) if self.nodes in slow_groups else ())
        suspects, between, bad = list[Ring](), list(self.between), set(self.bad)
        for whole in self.suspects:
            halves = _halves(whole)
            guilty = [half for half in halves if half in slow_groups]
            waiting = [half for half in halves if half not in ran]  # no good partner was left for it
            if len(whole) == 1 and guilty:
                bad.add(whole[0])  # slow with good ones for the second time
            elif guilty or waiting:
                suspects += guilty + waiting
            elif len(whole) > 1:
                between.append(whole)
        good = frozenset(after.good - bad)
        return replace(after, suspects=tuple(suspects), good=good, bad=frozenset(bad), between=tuple(between))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The nodes that are bad, groups that are slow only as a whole, and what is still open."""
        found = [Finding(Kind.NODE, (node,), ()) for node in self.bad]
        found += [Finding(Kind.PATH, group, ()) for group in self.between]
        found += [Finding(Kind.UNDECIDED, group, ()) for group in self.suspects]
        return tuple(sorted(found))

    def _groups(self) -> list[Ring]:
        return [half for whole in self.suspects for half in _halves(whole)]


def _halves(group: Ring) -> tuple[Ring, ...]:
    middle = (len(group) + 1) // 2
    return tuple(half for half in (group[:middle], group[middle:]) if half)
