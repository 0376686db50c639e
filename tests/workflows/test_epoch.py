"""Failure 21: a store that was restored from a backup wipes nothing: its runs wait, and the inventory is the witness."""

from datetime import timedelta

import pytest

from lab.memory import MemoryStore, VirtualClock
from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.engine.epoch import close_older_grants, declare_restored, make_epoch
from workflows.engine.look import View
from workflows.engine.ports import Power
from workflows.model.epoch import Epoch
from workflows.model.grant import Grant, GrantState
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def waiting() -> Site:
    """A node whose grant is open and whose machine does not come, in the store's first epoch."""
    site = Site()
    await make_epoch(site.store, site.clock)
    await enter(site)
    site.world.ignores_network = True
    await site.want()
    assert (await site.tend()).status.step == "deploy"
    return site


async def enter(site: Site) -> Epoch:
    """What a service does when it starts."""
    epoch = Epoch.decode((await site.store.get("epoch")).data or b"")
    site.settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC, epoch=epoch)
    return epoch


async def restored(site: Site) -> View:
    """A person says so, the services start again, and a worker looks."""
    await site.clock.advance(timedelta(minutes=10))
    await declare_restored(site.store, site.clock)
    await close_older_grants(site.store, "lab", await enter(site))
    return await site.tend()


async def test_an_open_run_parks_before_anything_acts_and_its_open_grant_is_nobodys() -> None:
    site = await waiting()
    writes = site.world.writes
    view = await restored(site)
    assert view.status.state is NodeState.PARKED
    assert view.status.reason.startswith("store restored")
    site.world.ignores_network = False
    await site.world.network_boot()
    assert (site.world.wipes, site.world.writes) == (0, writes)
    assert [Grant.decode(v.data or b"").state for v in await site.store.list("grant.>")] == [GrantState.CLOSED]


async def test_a_person_who_looked_lets_it_go_on_or_ends_it() -> None:
    site = await waiting()
    await restored(site)
    site.world.ignores_network = False
    assert (await site.command("retry")).accepted
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    assert site.world.wipes == 1
    other = await waiting()
    await restored(other)
    assert (await other.command("cancel")).accepted
    view = await other.until_settled(hours=1)
    assert (view.status.outcome, other.world.wipes) == ("cancelled", 0)


@pytest.mark.parametrize("verb", ["retry", "approve"])
async def test_what_people_asked_before_the_restore_counts_no_more(verb: str) -> None:
    site = Site()
    await make_epoch(site.store, site.clock)
    epoch = await enter(site)
    site.settings = SiteSettings(site="lab", mode=Mode.SUPERVISED, epoch=epoch)
    if verb == "retry":
        site.world.serial = "SOMEBODY-ELSE"
    await site.want()
    assert (await site.tend()).status.state is NodeState.PARKED
    assert (await site.command(verb)).accepted
    site.world.serial = "SN1"
    view = await restored(site)
    assert view.status.state is NodeState.PARKED
    assert view.status.reason.startswith("store restored")
    assert site.world.writes == 0


async def test_a_node_that_the_inventory_says_another_run_accepted_is_not_wiped() -> None:
    site = Site()
    site.world.accepted_run = "lab.nb-1.c55"
    await site.want()
    view = await site.tend()
    assert (view.status.state, site.world.writes, site.world.power) == (NodeState.PARKED, 0, Power.ON)
    assert "run lab.nb-1.c55 accepted gpu-001" in view.status.reason
    site.world.accepted_run = ""
    await site.command("retry")
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE


async def test_an_inventory_that_shows_an_older_run_of_ours_is_only_late() -> None:
    site = Site()
    await site.want()
    await site.tend()
    site.world.accepted_run = "lab.nb-1.g1"
    await site.want(desired(status="active"))
    for number in range(2):
        await site.command("reimage")
        await site.tend()
        await site.command("approve", who="bob")
        assert (await site.tend()).status.state is NodeState.IN_SERVICE, number
    assert site.world.wipes == 3


async def test_a_run_that_an_edit_began_ends_where_the_inventory_shows_another_status() -> None:
    site = Site()
    site.world.inventory_up = False
    await site.want()
    await site.tend()
    await site.want(desired(status="active"))
    site.world.inventory_up = True
    view = await site.until_settled(hours=0.1)
    assert (view.status.state, site.world.writes) == (NodeState.PARKED, 0)
    assert "has the status active now" in view.status.reason


async def test_an_epoch_is_made_once_and_remembers_those_before_it() -> None:
    store, clock = MemoryStore(), VirtualClock()
    await make_epoch(store, clock)
    first = await store.get("epoch")
    await make_epoch(store, clock)
    assert await store.get("epoch") == first
    known = Epoch.decode(first.data or b"")
    new = await declare_restored(store, clock)
    assert new.before == (known.id,)
