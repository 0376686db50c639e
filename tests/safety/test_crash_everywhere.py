"""Laws 1–3 and rows 1, 2, 8, 12: a worker killed or paused at any effect loses nothing and repeats nothing dangerous.

Each number of an effect is a point: every write to the store and to the BMC during a whole ``provision``. The simulated
machine counts wipes and boots, the simulated BMC acts under a stale session; no journal of ours is the witness.
"""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.effects import Effects, Fault, Killed
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.ports import Power
from workflows.model.errors import Fenced, Unreachable
from workflows.model.grant import Grant, GrantState
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

#: More than a provision has; the test of the undisturbed run keeps this honest.
POINTS = 84


async def test_undisturbed_it_has_one_wipe_two_boots_and_fewer_effects_than_are_tried() -> None:
    site, effects = Site(), Effects(at=0, fault=Fault.KILL_BEFORE)
    await site.want()
    view = await site.tend(site.worker(effects=effects))
    assert view.status.state is NodeState.IN_SERVICE
    assert (site.world.wipes, site.world.boots, site.world.stale_writes) == (1, 2, 0)
    assert POINTS - 10 < effects.seen < POINTS


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("point", range(1, POINTS))
async def test_killed_anywhere_a_successor_finishes_with_one_wipe(point: int, fault: Fault) -> None:
    site = Site()
    await site.want()
    try:
        await site.tend(site.worker(effects=Effects(at=point, fault=fault)))
    except (Killed, Fenced):
        await site.clock.advance(TTL_PASSED)
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert view.stored == view.status
    assert site.world.wipes == 1
    assert site.world.boots in (2, 3)
    assert site.world.stale_writes == 0


async def _paused_and_overtaken(site: Site, effects: Effects) -> bool:
    """Pause a worker at its point, let its lease run out and a successor finish, then let it go on."""
    zombie = asyncio.ensure_future(site.worker("zombie", effects).tend(site.wish.node))
    while not effects.paused and not zombie.done():
        await site.clock.advance(TTL_PASSED / 10)
    if zombie.done():
        zombie.result()
        return False
    await site.clock.advance(TTL_PASSED)
    await site.until_settled()
    effects.resume()
    while not zombie.done():
        await site.clock.advance(TTL_PASSED)
    if zombie.exception() is not None:
        assert isinstance(zombie.exception(), Fenced | Unreachable), zombie.exception()
    return True


@pytest.mark.parametrize("fault", [Fault.PAUSE_BEFORE, Fault.PAUSE_AFTER])
async def test_paused_past_its_lease_anywhere_it_changes_nothing_when_it_goes_on(fault: Fault) -> None:
    refused = 0
    for point in range(1, POINTS):
        site, effects = Site(), Effects(at=point, fault=fault)
        await site.want()
        if not await _paused_and_overtaken(site, effects):
            continue
        view = await site.view()
        assert view.status.state is NodeState.IN_SERVICE, (point, view.status.reason)
        assert site.world.wipes == 1, point
        assert site.world.power is Power.ON, point
        refused += site.world.stale_writes
    assert refused > 0, "no stale call was ever attempted: this test would prove nothing"


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


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("point", range(1, 16))
async def test_killed_while_a_machine_that_lost_power_is_sent_again_one_write_a_grant(point: int, fault: Fault) -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    site.world.power, site.world.reports = Power.OFF, True
    await site.clock.advance(timedelta(minutes=5))
    await site.tend()
    await site.clock.advance(timedelta(seconds=30))
    try:
        await site.tend(site.worker(effects=Effects(at=point, fault=fault)))
    except (Killed, Fenced):
        await site.clock.advance(TTL_PASSED)
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    grants = [Grant.decode(v.data or b"").state for v in await site.store.list("grant.>")]
    assert grants == [GrantState.TAKEN, GrantState.REPORTED]
    assert site.world.wipes == 2
