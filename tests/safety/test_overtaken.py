"""Rows 1 and 22, law 4: what a worker does that stood still, or came back late, right at the grant."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.effects import Effects, Fault, Killed
from tests.workflows.samples import desired
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.ports import BootTarget, Power
from workflows.model.errors import Fenced
from workflows.model.grant import Grant, GrantState
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def number_of(name: str) -> int:
    """The number of the effect of this name in an undisturbed provision."""
    site, effects = Site(), Effects(at=0, fault=Fault.KILL_BEFORE)
    await site.want()
    await site.tend(site.worker(effects=effects))
    return effects.names.index(name) + 1


async def paused_before(site: Site, name: str) -> tuple[Effects, "asyncio.Task[None]"]:
    """A worker that stands still right before an effect, its lease run out."""
    effects = Effects(at=await number_of(name), fault=Fault.PAUSE_BEFORE)
    zombie = asyncio.ensure_future(site.worker("zombie", effects).tend(site.wish.node))
    while not effects.paused:
        await site.clock.advance(timedelta(seconds=1))
    await site.clock.advance(TTL_PASSED)
    return effects, zombie


async def let_go_on(site: Site, effects: Effects, zombie: "asyncio.Task[None]") -> None:
    effects.resume()
    while not zombie.done():
        await site.clock.advance(TTL_PASSED)
    assert isinstance(zombie.exception(), Fenced)


async def test_a_grant_that_an_overtaken_worker_opens_after_its_run_was_cancelled_wipes_nothing() -> None:
    site = Site()
    await site.want()
    effects, zombie = await paused_before(site, "put grant.lab.nb-1.g1.1")
    await site.command("cancel")
    assert (await site.until_settled()).status.outcome == "cancelled"
    await let_go_on(site, effects, zombie)
    assert [Grant.decode(v.data or b"").state for v in await site.store.list("grant.>")] == [GrantState.OPEN]
    site.world.pull_the_plug()
    site.world.boot = BootTarget.NETWORK_ONCE
    await site.world.set_power(Power.ON)
    assert site.world.wipes == 0


async def test_a_slot_that_an_overtaken_worker_takes_after_its_run_has_ended_is_the_next_ones() -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, wipes_at_once=1))
    await site.want()
    effects, zombie = await paused_before(site, "put cap.lab")
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    await let_go_on(site, effects, zombie)
    assert b"grant" in ((await site.store.get("cap.lab")).data or b"")
    await site.want(desired(status="active"))
    await site.command("reimage")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert (view.status.outcome, site.world.wipes) == ("succeeded", 2)


async def test_what_the_inventory_forbids_between_a_crash_and_the_successor_is_not_done() -> None:
    site = Site()
    await site.want()
    with pytest.raises(Killed):
        await site.tend(
            site.worker(effects=Effects(at=await number_of("put grant.lab.nb-1.g1.1"), fault=Fault.KILL_BEFORE))
        )
    await site.want(desired(generation=2, protected=True))
    await site.clock.advance(TTL_PASSED)
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "bringup-protected" in view.status.reason
    assert site.world.wipes == 0


async def test_what_the_inventory_forbids_while_a_run_waits_for_a_slot_of_the_cap_is_not_done() -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, wipes_at_once=0))
    await site.want()
    assert "its cap" in (await site.tend()).status.reason
    await site.want(desired(generation=2, protected=True))
    site.settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC, wipes_at_once=1)
    await site.clock.advance(timedelta(minutes=3))
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert (await site.store.list("grant.>"), site.world.wipes) == ([], 0)


async def test_a_run_that_was_opened_meanwhile_is_not_written_again() -> None:
    site = Site()
    await site.want()
    effects, zombie = await paused_before(site, "put run.lab.nb-1.g1")
    await site.until_settled()
    opened = (await site.store.get("run.lab.nb-1.g1")).seq
    effects.resume()
    await site.clock.run(asyncio.wait_for(zombie, None))
    assert (await site.store.get("run.lab.nb-1.g1")).seq == opened
