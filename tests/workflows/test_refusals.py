"""Law 6, failure 23: a machine that was turned away, or two that claim one grant, stop the run until a person has looked."""

import pytest

from boot.token import Claim
from tests.fakes.effects import Effects, Fault, Killed
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.ports import Power
from workflows.model.cap import Cap
from workflows.model.errors import Fenced
from workflows.model.grant import Grant, GrantState
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def grants(site: Site) -> list[Grant]:
    return [Grant.decode(v.data or b"") for v in await site.store.list("grant.>")]


async def turned_away(event: str = "no-disk") -> Site:
    site = Site()
    site.world.refused = event
    await site.want()
    await site.tend()
    return site


@pytest.mark.parametrize("event", ["no-disk", "wrong-machine"])
async def test_a_machine_that_was_turned_away_parks_its_run_at_once_with_what_it_was_told(event: str) -> None:
    site = await turned_away(event)
    status = (await site.view()).status
    assert status.state is NodeState.PARKED
    assert f"{event}: nothing was written" in status.reason
    assert "10.77.0.66" in status.reason
    assert site.world.wipes == 0


async def test_a_parked_run_gives_nobody_permission_to_wipe_and_holds_no_slot() -> None:
    site = await turned_away()
    assert [g.state for g in await grants(site)] == [GrantState.CLOSED]
    site.world.refused = ""
    await site.world.network_boot()
    assert site.world.wipes == 0
    assert Cap.decode((await site.store.get("cap.lab")).data or b"").slots == ()


async def test_retry_sends_the_machine_to_the_network_again_with_a_new_grant() -> None:
    site = await turned_away()
    site.world.refused = ""
    assert (await site.command("retry")).accepted
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert [g.state for g in await grants(site)] == [GrantState.CLOSED, GrantState.REPORTED]
    assert site.world.wipes == 1


async def test_a_machine_that_never_came_is_sent_again_by_retry() -> None:
    site = Site()
    site.world.ignores_network = True
    await site.want()
    assert (await site.tend()).status.state is NodeState.WAITING
    view = await site.until_settled(hours=4)
    assert view.status.state is NodeState.PARKED
    assert "never came" in view.status.reason
    site.world.ignores_network = False
    await site.command("retry")
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    assert site.world.wipes == 1


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("point", range(1, 22))
async def test_killed_while_it_is_sent_again_there_is_one_wipe_and_no_interrupted_machine(
    point: int, fault: Fault
) -> None:
    site = await turned_away()
    site.world.refused = ""
    await site.command("retry")
    try:
        await site.tend(site.worker(effects=Effects(at=point, fault=fault)))
    except (Killed, Fenced):
        await site.clock.advance(TTL_PASSED)
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert site.world.wipes == 1


@pytest.mark.parametrize("point", range(1, 22))
async def test_a_machine_that_is_on_for_its_new_grant_is_never_switched_off(point: int) -> None:
    """The worker dies, the machine is slow to come: whoever goes on leaves it alone."""
    site = await turned_away()
    site.world.refused, site.world.ignores_network = "", True
    await site.command("retry")
    try:
        await site.tend(site.worker(effects=Effects(at=point, fault=Fault.KILL_AFTER)))
    except (Killed, Fenced):
        await site.clock.advance(TTL_PASSED)
    await site.until_settled(hours=0.5)
    assert (site.world.boots, site.world.power) == (2, Power.ON), "the first boot, and the one for the new grant"


async def test_a_second_claimant_parks_a_run_whose_machine_is_writing() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    (grant,) = await grants(site)
    site.world.refused = "second-claimant"
    await site.world.refuse(Claim.of(grant))
    status = (await site.tend()).status
    assert status.state is NodeState.PARKED
    assert "second-claimant" in status.reason
    assert [g.state for g in await grants(site)] == [GrantState.TAKEN]


async def test_a_second_claimant_after_the_report_keeps_the_node_out_of_service_until_a_person_has_looked() -> None:
    site = Site()
    site.world.reachable = False
    await site.want()
    await site.tend()
    (grant,) = await grants(site)
    assert grant.state is GrantState.REPORTED
    site.world.refused = "second-claimant"
    await site.world.refuse(Claim.of(grant))
    site.world.reachable = True
    status = (await site.until_settled(hours=1)).status
    assert (status.state, status.step) == (NodeState.PARKED, "register")
    await site.command("retry")
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
