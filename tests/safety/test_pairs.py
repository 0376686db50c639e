"""The same with two: the worker that takes over is hit too, at every point that it comes to.

A kill before one effect leaves the world as a kill after the one before it, so pairs are made of kills *after* and pauses
*before*. `make test` tries a seeded sample, `make prove` every pair.
"""

import random
from collections.abc import Callable

import pytest

from tests.fakes.effects import Effects, Fault
from tests.safety.drives import SCENARIOS, End, Scenario, driven, undisturbed

pytestmark = pytest.mark.search

KINDS = (
    (Fault.KILL_AFTER, Fault.KILL_AFTER),
    (Fault.PAUSE_BEFORE, Fault.PAUSE_BEFORE),
    (Fault.PAUSE_BEFORE, Fault.KILL_AFTER),
    (Fault.LOST_AFTER, Fault.KILL_AFTER),
)
SAMPLE = 12
SEED = 20261101

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
each_kind = pytest.mark.parametrize("kinds", KINDS, ids=lambda kinds: "+".join(kinds))


type Pair = tuple[Effects, Effects]


async def hit_twice(scenario: Scenario, both: Pair, wanted: End) -> None:
    """Drive the scenario through both faults."""
    try:
        _, end = await driven(scenario, both)
        assert end == wanted
    except AssertionError as error:
        where = " then ".join(f"{e.fault} at {e.at} ({e.names[-1] if e.names else 'never'})" for e in both)
        raise AssertionError(f"{scenario}, {where}: {error}") from error


@each_scenario
@each_kind
async def test_hit_at_some_pairs_every_workflow_ends_as_if_it_had_not_been(
    scenario: Scenario, kinds: tuple[Fault, Fault]
) -> None:
    (_, wanted), points = await undisturbed(scenario)
    chosen = random.Random(f"{SEED} {scenario} {kinds}")  # noqa: S311
    for _ in range(SAMPLE):
        first = chosen.randint(1, points)
        second = chosen.randint(1, points - first + 8)
        await hit_twice(scenario, (Effects(at=first, fault=kinds[0]), Effects(at=second, fault=kinds[1])), wanted)


@pytest.mark.long
@each_scenario
@each_kind
async def test_hit_at_every_pair_every_workflow_ends_as_if_it_had_not_been(
    scenario: Scenario, kinds: tuple[Fault, Fault], record_property: Callable[[str, object], None]
) -> None:
    (_, wanted), points = await undisturbed(scenario)
    pairs = 0
    for first in range(1, points + 1):
        hit, second = True, 0
        while hit:
            second += 1
            both = Effects(at=first, fault=kinds[0]), Effects(at=second, fault=kinds[1])
            await hit_twice(scenario, both, wanted)
            hit = both[1].seen >= second
            pairs += hit
    record_property("pairs", pairs)
