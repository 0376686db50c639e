"""Disjoint pairs by the circle method: every two nodes meet once, and all tests of one round run at the same time.

Source: the round-robin tournament of Kirkman (1847); SuperBench's pair-wise pattern is the same. One node stands still,
the others move on by one place each round. With an odd number one node rests a round.
"""

from collections.abc import Sequence

type Pair = tuple[str, str]


def circle(nodes: Sequence[str]) -> tuple[tuple[Pair, ...], ...]:
    """All rounds: N-1 of them for an even N, N for an odd one. Node names must differ."""
    ring: list[str | None] = [*nodes, *([None] if len(nodes) % 2 else [])]
    half = len(ring) // 2
    rounds = []
    for _ in range(len(ring) - 1):
        meeting = zip(ring[:half], reversed(ring[half:]), strict=True)
        rounds.append(tuple((a, b) for a, b in meeting if a is not None and b is not None))
        ring.insert(1, ring.pop())
    return tuple(rounds)


def ordered(pair: Pair) -> Pair:
    """The same two nodes, always in the same order: a pair has no direction."""
    return (min(pair), max(pair))
