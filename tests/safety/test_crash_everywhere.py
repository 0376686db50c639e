"""Laws 1–3, rows 1, 2, 8, 9, 12: a worker that is hit at any effect loses nothing and repeats nothing dangerous.

Every write of a worker to the store, the BMC, the bus, the node and the evidence is a point, in every workflow. At each it
is killed, paused past its lease, or left without an answer; then the same with its successor (``test_pairs``). ``drives``
checks the promises of ``invariants`` after each; here the end must be the undisturbed one. The simulated machine counts
wipes and boots, the simulated BMC acts under a stale session; no journal of ours is the witness.
"""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.fakes.effects import Effects, Fault, Killed
from tests.safety.drives import SCENARIOS, Scenario, driven, undisturbed
from tests.safety.invariants import told
from tests.workflows.site import TTL_PASSED, Site
from workflows.model.errors import Fenced
from workflows.model.journal import Kind
from workflows.model.status import NodeState

RARE = [scenario for scenario in SCENARIOS if scenario.rare]


@pytest.mark.fast
async def test_undisturbed_a_provision_has_one_wipe_and_two_boots() -> None:
    (site, end), points = await undisturbed(SCENARIOS[0])
    assert (end.state, end.wipes) == (NodeState.IN_SERVICE, 1)
    assert (site.world.boots, site.world.stale_writes) == (2, 0)
    assert points > 60


@dataclass
class Seen:
    """What a suite's drives produced: calls that a BMC refused as stale, entries of the journals by kind."""

    stale: int = 0
    said: Counter[Kind] = field(default_factory=Counter)


async def hit(scenario: Scenario, fault: Fault, step: int) -> Seen:
    """Hit the scenario at every ``step``-th of its points."""
    (_, wanted), points = await undisturbed(scenario)
    seen = Seen()
    for point in range(1, points + 1, step):
        effects = Effects(at=point, fault=fault)
        try:
            site, end = await driven(scenario, [effects])
            assert end == wanted
        except AssertionError as error:
            raise AssertionError(f"{scenario}, {fault} at {point} ({effects.names[-1]}): {error}") from error
        seen.stale += site.world.stale_writes
        for each in (await told(site.store, site.wish.node)).values():
            seen.said.update(entry.kind for entry, _ in each.entries)
    return seen


@pytest.mark.fast
@pytest.mark.parametrize("fault", Fault)
async def test_hit_at_every_fourth_point_a_provision_ends_as_if_it_had_not_been(fault: Fault) -> None:
    await hit(SCENARIOS[0], fault, step=4)


@pytest.mark.search
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("scenario", RARE, ids=str)
async def test_hit_at_every_ninth_point_a_rare_workflow_ends_as_if_it_had_not_been(
    scenario: Scenario, fault: Fault
) -> None:
    await hit(scenario, fault, step=9)


@pytest.mark.search
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize(
    "scenario", [pytest.param(s, marks=pytest.mark.long if s.rare else ()) for s in SCENARIOS], ids=str
)
async def test_hit_at_any_point_every_workflow_ends_as_if_it_had_not_been(scenario: Scenario, fault: Fault) -> None:
    seen = await hit(scenario, fault, step=1)
    if fault in (Fault.PAUSE_BEFORE, Fault.PAUSE_AFTER) and scenario.writes_late:
        assert seen.stale > 0, "no stale call was ever attempted: this test would prove nothing"
    assert seen.said[scenario.rests] > 0 or scenario.rests is None, "no such wait had its end looked at by invariants"


@pytest.mark.fast
async def test_a_step_that_always_kills_its_worker_parks_the_run_after_three() -> None:
    site = Site()
    await site.want()
    for _ in range(3):
        with pytest.raises((Killed, Fenced)):
            # the third effect of a claim after lease, (run) and claimed is the first write of the step itself
            await site.tend(
                site.worker(effects=Effects(at=4 if (await site.view()).run is None else 3, fault=Fault.KILL_BEFORE))
            )
        await site.clock.advance(TTL_PASSED)
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "3 workers in a row" in view.status.reason
