"""The search by pairs: which node, cable, rail or path is bad, in few rounds of tests that run at the same time.

Theory of operation. A test between two nodes gives a bandwidth for each rail. A low one blames both ends, so:

1. All nodes in disjoint pairs. Whatever a pair reached, both of its ends can: those cells (node, rail) are good.
2. Every node that has a cell which isn't known to be good meets a partner that is good on those rails. It reaches the
   floor there: the cell is cleared. It doesn't: that speaks against the cell, because the partner is known to be good
   (also where that became known later). Cells that were cleared make partners of the next round, so a crowd of suspects
   halves with each; suspects for whom no good partner is left meet each other, those of one leaf first.
3. A pair whose two ends are both cleared on a rail, and that was low together, meets twice more. Low each time: the
   path between the two is bad. Not low: it was noise, and nobody is accused.

Three different good partners must have seen a cell low before it is bad: one may share a bad path with it, one may lie.
Where no partner is left that is good on a rail, a rail whose every measured cell is low accuses its switch, and the rest
is said to be undecided, with all names: never a guess.

The search is a value: ``pairs`` are the tests of the next round, ``after`` is the search that knows their results. It
ends by itself in at most log2(N) + 3 rounds; what is open then is undecided.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from burn_in.group.matrix import Cell, Finding, Kind, read_matrix
from burn_in.group.pairs import Pair, circle, ordered

type Rails = Sequence[float | None]
"""A pair's bandwidth on each rail; None where the test hung or gave nothing."""

_WITNESSES = 3
"""How many different good partners must see a cell low before it is bad."""

_MEETINGS = 3
"""How often a pair must have met, and been low each time, before the path between the two is bad."""


@dataclass(frozen=True, slots=True)
class Search:
    """The search at one moment. ``floor`` in the unit of the results; ``leaves``: each node's leaf group, where known.

    ``good``: the best that a cell reached; ``lows`` and ``met``: how often a pair was low on a rail, and met at all.
    """

    nodes: tuple[str, ...]
    rails: int
    floor: float
    leaves: Mapping[str, str] = field(default_factory=dict)
    round: int = 0
    good: Mapping[Cell, float] = field(default_factory=dict)
    lows: Mapping[tuple[Pair, int], int] = field(default_factory=dict)
    met: Mapping[Pair, int] = field(default_factory=dict)

    @property
    def limit(self) -> int:
        """The rounds that it takes at most."""
        return math.ceil(math.log2(max(2, len(self.nodes)))) + 3

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The disjoint tests of the next round; none: it is over."""
        if len(self.nodes) < 2 or self.round >= self.limit:
            return ()
        if self.round == 0:
            return tuple(ordered(pair) for pair in circle(self.nodes)[0])
        chosen = _Disjoint()
        wanted = self._wanted()
        self._with_good(wanted, chosen)
        self._among_themselves(wanted, chosen)
        self._paths_again(chosen)
        return tuple(chosen.pairs)

    def after(self, results: Mapping[Pair, Rails]) -> "Search":
        """The search that knows these results. A pair of ``pairs`` without a result counts as low on every rail."""
        good, lows, met = dict(self.good), Counter(self.lows), Counter(self.met)
        for pair in self.pairs:
            reached = results.get(pair, ())
            met[pair] += 1
            for rail in range(self.rails):
                value = reached[rail] if rail < len(reached) else None
                if value is None or not value >= self.floor:
                    lows[pair, rail] += 1
                    continue
                for node in pair:
                    good[node, rail] = max(value, good.get((node, rail), value))
        return replace(self, round=self.round + 1, good=good, lows=dict(lows), met=dict(met))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rounds have shown; final when ``pairs`` is empty. Whoever stands in none was good on every rail."""
        against, open_cells = self._against(), self._open()
        seen = {rail for _, rail in self.good}
        bad = {
            cell
            for cell in open_cells
            if len(against[cell]) >= _WITNESSES or (against[cell] and self._no_witness_left(cell, against[cell]))
        }
        if len(self.nodes) > 2:
            bad |= {(node, rail) for node, rail in open_cells if rail not in seen}
        found = [*read_matrix({**self.good, **dict.fromkeys(bad)}, self.floor, self.leaves), *self._paths()]
        if undecided := [cell for cell in open_cells if cell not in bad]:
            names, rails = {node for node, _ in undecided}, {rail for _, rail in undecided}
            found.append(Finding(Kind.UNDECIDED, tuple(sorted(names)), tuple(sorted(rails))))
        return tuple(sorted(found))

    def _open(self) -> list[Cell]:
        return [(n, r) for n in self.nodes for r in range(self.rails) if (n, r) not in self.good]

    def _against(self) -> Mapping[Cell, set[str]]:
        """Who is good on a rail, and was low there with this cell."""
        found: dict[Cell, set[str]] = {cell: set() for cell in self._open()}
        for (pair, rail), _ in self.lows.items():
            for node, other in (pair, pair[::-1]):
                if (other, rail) in self.good and (node, rail) in found:
                    found[node, rail].add(other)
        return found

    def _no_witness_left(self, cell: Cell, witnesses: set[str]) -> bool:
        return all(node == cell[0] or node in witnesses for node, rail in self.good if rail == cell[1])

    def _wanted(self) -> dict[str, set[int]]:
        """The rails on which each node still needs a partner, the neediest first."""
        against = self._against()
        wanted: dict[str, set[int]] = {}
        for node, rail in self._open():
            if len(against[node, rail]) < _WITNESSES:
                wanted.setdefault(node, set()).add(rail)
        return dict(sorted(wanted.items(), key=lambda item: (-len(item[1]), item[0])))

    def _with_good(self, wanted: dict[str, set[int]], chosen: "_Disjoint") -> None:
        """Each suspect with a new partner that is good on its rails, or on as many of them as there is one for."""
        helpers = [n for n in self.nodes if n not in wanted] + [*reversed(wanted)]
        for node, rails in wanted.items():
            best, most = None, 0
            for other in helpers if node not in chosen.taken else ():
                if other in chosen.taken or other == node or ordered((node, other)) in self.met:
                    continue
                helps = sum((other, rail) in self.good for rail in rails)
                if helps > most:
                    best, most = other, helps
                if helps == len(rails):
                    break
            if best is not None:
                chosen.add(node, best)

    def _among_themselves(self, wanted: Iterable[str], chosen: "_Disjoint") -> None:
        """Suspects for whom no good partner is left: two good ones may meet, and clear each other."""
        alone = sorted((n for n in wanted if n not in chosen.taken), key=lambda n: (self.leaves.get(n, ""), n))
        for place, node in enumerate(alone):
            unmet = (o for o in alone[place + 1 :] if o not in chosen.taken and ordered((node, o)) not in self.met)
            if node not in chosen.taken and (other := next(unmet, None)) is not None:
                chosen.add(node, other)

    def _paths_again(self, chosen: "_Disjoint") -> None:
        """Pairs that were low at each meeting on a rail on which both of their ends are good with others."""
        for (pair, rail), times in sorted(self.lows.items()):
            if self._doubtful(pair, rail, times) and times < _MEETINGS and not chosen.taken.intersection(pair):
                chosen.add(*pair)

    def _doubtful(self, pair: Pair, rail: int, times: int) -> bool:
        return times == self.met[pair] and all((node, rail) in self.good for node in pair)

    def _paths(self) -> list[Finding]:
        by_pair: dict[Pair, list[int]] = {}
        for (pair, rail), times in self.lows.items():
            if self._doubtful(pair, rail, times) and times >= _MEETINGS:
                by_pair.setdefault(pair, []).append(rail)
        return [Finding(Kind.PATH, pair, tuple(sorted(rails))) for pair, rails in by_pair.items()]


@dataclass(slots=True)
class _Disjoint:
    """Pairs of one round: nobody stands in two."""

    pairs: list[Pair] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def add(self, node: str, other: str) -> None:
        self.pairs.append(ordered((node, other)))
        self.taken |= {node, other}
