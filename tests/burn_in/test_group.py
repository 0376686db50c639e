"""Planted faults among up to 1,024 nodes: the bad node, cable, rail and path is found, in few rounds, and nobody else.

The world is synthetic: bandwidths of 390 Gb/s with 2 % of noise, faults at half of that, now and then a test that is low
for no reason. What the search sees is only what it asks for.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burn_in.group.halves import Halving, Ring
from burn_in.group.matrix import Finding, Kind, read_matrix
from burn_in.group.pairs import Pair, circle, ordered
from burn_in.group.search import Search

pytestmark = pytest.mark.fast
_FLOOR = 351.0
_RAILS = 8


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"n{n:04d}" for n in range(count))


@dataclass
class World:
    """A cluster with planted faults, 32 nodes a leaf. ``lies``: the share of tests that are low without any fault."""

    count: int
    nodes: frozenset[str] = frozenset()
    cables: frozenset[tuple[str, int]] = frozenset()
    switches: frozenset[tuple[str, int]] = frozenset()
    paths: frozenset[Pair] = frozenset()
    lies: float = 0.0
    seed: int = 1
    chance: random.Random = field(init=False)
    leaves: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - planted faults, no secret
        self.leaves = {name: f"leaf{place // 32}" for place, name in enumerate(_names(self.count))}

    def measure(self, pair: Pair) -> list[float | None]:
        """A pair's rails, as the world makes them."""
        return [None if self.chance.random() < self.lies else self._rail(pair, rail) for rail in range(_RAILS)]

    def _rail(self, pair: Pair, rail: int) -> float:
        bad = ordered(pair) in self.paths or any(
            n in self.nodes or (n, rail) in self.cables or (self.leaves[n], rail) in self.switches for n in pair
        )
        return self.chance.gauss(390, 7) * (0.5 if bad else 1)

    def searched(self) -> Search:
        """The search, driven to its end: each round disjoint, and never more rounds than promised."""
        search = Search(_names(self.count), _RAILS, _FLOOR, self.leaves)
        while pairs := search.pairs:
            assert len({n for pair in pairs for n in pair}) == 2 * len(pairs)
            search = search.after({pair: self.measure(pair) for pair in pairs})
        assert search.round <= search.limit
        return search


def _told(search: Search) -> set[tuple[Kind, tuple[str, ...]]]:
    return {(f.kind, f.nodes) for f in search.findings}


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 33))
def test_every_two_meet_once_in_rounds_of_disjoint_pairs(count: int) -> None:
    """The circle method's promise, for odd numbers too."""
    nodes = _names(count)
    rounds = circle(nodes)
    assert len(rounds) == (count - 1 if count % 2 == 0 else count)
    for pairs in rounds:
        assert len({n for pair in pairs for n in pair}) == 2 * len(pairs) == count - count % 2
    met = [ordered(pair) for pairs in rounds for pair in pairs]
    assert sorted(met) == sorted(combinations(nodes, 2))


def test_a_healthy_cluster_is_one_round_and_nobody_is_accused() -> None:
    """1,024 nodes, eight rails."""
    search = World(1024).searched()
    assert (search.round, search.findings) == (1, ())


@pytest.mark.parametrize("count", [4, 5, 8, 33, 128, 1024])
def test_one_bad_node_is_found(count: int) -> None:
    """It alone, though its first partner looked as bad."""
    search = World(count, nodes=frozenset({"n0002"})).searched()
    assert _told(search) == {(Kind.NODE, ("n0002",))}
    assert search.findings[0].rails == tuple(range(_RAILS))


@pytest.mark.parametrize("count", [5, 64, 1024])
def test_one_bad_cable_is_found_with_its_rail(count: int) -> None:
    """Node and rail; the node's other rails are good."""
    search = World(count, cables=frozenset({("n0003", 5)})).searched()
    assert search.findings == (Finding(Kind.CABLE, ("n0003",), (5,)),)


@pytest.mark.parametrize("count", [64, 1024])
def test_one_bad_switch_is_found_and_no_node_below_it_is_accused(count: int) -> None:
    """Rail 3 of one leaf: 32 nodes are low there, and not one of them is to blame."""
    search = World(count, switches=frozenset({("leaf1", 3)})).searched()
    assert search.findings == (Finding(Kind.RAIL, ("leaf1",), (3,)),)


def test_a_rail_that_is_low_everywhere_is_found_without_any_good_partner() -> None:
    """No node is known to be good on it, on any leaf."""
    search = World(64, switches=frozenset({("leaf0", 2), ("leaf1", 2)})).searched()
    assert set(search.findings) == {Finding(Kind.RAIL, (leaf,), (2,)) for leaf in ("leaf0", "leaf1")}


def test_a_bad_path_accuses_neither_of_its_ends() -> None:
    """Two nodes that are slow only with each other."""
    pair = ordered(circle(_names(64))[0][3])
    assert _told(World(64, paths=frozenset({pair})).searched()) == {(Kind.PATH, pair)}


@pytest.mark.parametrize("seed", range(3))
def test_many_faults_at_once_are_told_apart(seed: int) -> None:
    """1,024 nodes: 20 bad nodes, 30 bad cables, a bad switch; each found, nothing else accused."""
    chance = random.Random(seed)  # noqa: S311 - planted faults, no secret
    names = chance.sample(_names(1024), 50)
    nodes, cables = frozenset(names[:20]), frozenset((n, chance.randrange(_RAILS)) for n in names[20:])
    world = World(1024, nodes=nodes, cables=cables, switches=frozenset({("leaf7", 1)}), seed=seed)
    findings = set(world.searched().findings)
    # A cable of the bad switch's own rail is one with it.
    below = {(n, r) for n, r in cables if (world.leaves[n], r) == ("leaf7", 1)}
    wanted = {Finding(Kind.CABLE, (n,), (r,)) for n, r in cables - below} | {Finding(Kind.RAIL, ("leaf7",), (1,))}
    assert {f for f in findings if f.kind is not Kind.NODE} == wanted
    assert {f.nodes[0] for f in findings if f.kind is Kind.NODE} == nodes


@pytest.mark.parametrize("seed", range(5))
def test_tests_that_lie_accuse_nobody(seed: int) -> None:
    """One test in 50 is low without a fault: what is bad is found, and all that is found is bad."""
    world = World(256, nodes=frozenset({"n0100"}), cables=frozenset({("n0007", 2)}), lies=0.02, seed=seed)
    assert set(_told(world.searched())) == {(Kind.NODE, ("n0100",)), (Kind.CABLE, ("n0007",))}


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 40), st.integers(0, 6), st.integers(0, 1000))
def test_no_good_node_is_ever_accused(count: int, bad: int, seed: int) -> None:
    """However many are bad: a good node is at most undecided, and then with its reason."""
    chance = random.Random(seed)  # noqa: S311 - planted faults, no secret
    nodes = frozenset(chance.sample(_names(count), min(bad, count - 2)))
    search = World(count, nodes=nodes, seed=seed).searched()
    accused = {n for f in search.findings if f.kind in (Kind.NODE, Kind.CABLE) for n in f.nodes}
    undecided = {n for f in search.findings if f.kind is Kind.UNDECIDED for n in f.nodes}
    assert accused <= nodes
    switch = any(f.kind is Kind.RAIL for f in search.findings)
    assert nodes <= accused | undecided or switch


def test_two_nodes_alone_are_undecided() -> None:
    """There is no third to tell which."""
    assert _told(World(2, nodes=frozenset({"n0000"})).searched()) == {(Kind.UNDECIDED, ("n0000", "n0001"))}


def test_a_test_that_hung_is_no_pass() -> None:
    """A pair without any result blames both of its ends."""
    search = Search(_names(4), 2, _FLOOR)
    first = search.pairs[0]
    after = search.after({pair: [390.0, 390.0] for pair in search.pairs if pair != first})
    assert {n for pair in after.pairs for n in pair} >= set(first)


def test_a_matrix_reads_rows_cells_and_rails() -> None:
    """What a person sees in the heat map is what is said."""
    matrix: dict[tuple[str, int], float | None] = {(f"n{n}", r): 390.0 for n in range(6) for r in range(4)}
    matrix |= {("n1", r): 190.0 for r in range(4)} | {(f"n{n}", 2): 180.0 for n in range(6)} | {("n4", 0): None}
    found = read_matrix(matrix, _FLOOR)
    assert {f.kind: f.nodes for f in found} == {Kind.RAIL: ("all",), Kind.NODE: ("n1",), Kind.CABLE: ("n4",)}
    assert "adapter, cable or switch port" in next(f.words for f in found if f.kind is Kind.CABLE)


def test_nodes_that_are_low_everywhere_are_no_witnesses_against_a_switch() -> None:
    """Two of five nodes are bad, and a third has a bad cable: three of five are low on that rail, and its switch is well."""
    matrix: dict[tuple[str, int], float | None] = {(f"n{n}", r): 390.0 for n in range(5) for r in range(4)}
    matrix |= {(f"n{n}", r): 190.0 for n in (0, 1) for r in range(4)} | {("n2", 3): 190.0}
    assert [(f.kind, f.nodes) for f in read_matrix(matrix, _FLOOR)] == [
        (Kind.CABLE, ("n2",)),
        (Kind.NODE, ("n0",)),
        (Kind.NODE, ("n1",)),
    ]


# --- by halves ----------------------------------------------------------------------------------------------------


def _halved(count: int, bad: frozenset[str], lies: frozenset[int] = frozenset()) -> Halving:
    """Driven to its end. In the rounds ``lies`` one ring is slow for no reason."""
    halving = Halving(_names(count))
    while rings := halving.rings:
        assert len({n for ring in rings.values() for n in ring}) == sum(len(r) for r in rings.values())
        slow: list[Ring] = [group for group, ring in rings.items() if bad.intersection(ring)]
        if halving.round in lies:
            slow.append(next(iter(rings)))
        halving = halving.after(slow)
    assert halving.round <= halving.limit
    return halving


@pytest.mark.parametrize("count", [4, 8, 100, 1024])
def test_the_bad_node_of_a_slow_ring_is_found_by_halves(count: int) -> None:
    """Wherever it is."""
    for place in {0, 1, count // 2, count - 1}:
        bad = frozenset({_names(count)[place]})
        assert [f.nodes for f in _halved(count, bad).findings] == [tuple(bad)]


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 300), st.integers(0, 10_000))
def test_several_bad_nodes_are_found_or_open_and_no_good_one_is_accused(count: int, seed: int) -> None:
    """Two or three in one ring."""
    bad = frozenset(random.Random(seed).sample(_names(count), 3))  # noqa: S311 - planted faults, no secret
    findings = _halved(count, bad).findings
    accused = {n for f in findings if f.kind is Kind.NODE for n in f.nodes}
    assert accused <= bad <= accused | {n for f in findings if f.kind is Kind.UNDECIDED for n in f.nodes}


def test_a_ring_that_is_slow_only_as_a_whole_accuses_nobody() -> None:
    """Both halves are good: the fault lies between them."""
    halving = Halving(_names(16)).after([_names(16)])
    assert [f.kind for f in halving.after([]).findings] == [Kind.PATH]


def test_a_ring_that_was_slow_once_for_no_reason_accuses_nobody() -> None:
    """Noise in any one round."""
    for round_ in range(5):
        assert not [f for f in _halved(32, frozenset(), frozenset({round_})).findings if f.kind is Kind.NODE]
