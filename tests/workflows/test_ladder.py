"""Failures 15 and 18: what does not move is asked again, restarted, then left to a person; a wrong password is sent once."""

from datetime import timedelta

import pytest

from tests.fakes.effects import Effects, Fault, Killed
from tests.fakes.world import WorldBmc
from tests.workflows.site import TTL_PASSED, Site
from workflows.catalog import STEPS
from workflows.engine.ladder import BMC_SILENCE
from workflows.engine.ports import BmcFacts, Power
from workflows.engine.step import Rung
from workflows.model.errors import AuthenticationFailed, Fenced
from workflows.model.grant import Grant, GrantState
from workflows.model.journal import Entry, Kind
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def journal(site: Site) -> list[Entry]:
    return [Entry.decode(v.data or b"") for v in await site.store.list("journal.>")]


async def test_a_bmc_that_hangs_is_restarted_and_the_run_goes_on_by_itself() -> None:
    site = Site()
    site.world.hung = True
    await site.want()
    view = await site.until_settled()
    assert (view.status.state, site.world.resets) == (NodeState.IN_SERVICE, 1), view.status.reason
    failed = [(e.reason, e.next_action) for e in await journal(site) if e.kind is Kind.FAILED]
    assert [said for said, _ in failed] == [
        "power_off is overdue: waiting for power off, the BMC says on",
        "power_off is overdue: waiting for power off, the BMC says on",
        "the BMC was restarted, because it answered and nothing moved",
    ]
    assert failed[1][1] == "bringup will restart the BMC and then try power_off again by itself"


async def test_the_ladder_ends_at_a_person_after_one_restart() -> None:
    site = Site()
    site.world.ignores_power = 99
    await site.want()
    view = await site.until_settled(hours=3)
    assert (view.status.state, site.world.resets, site.world.wipes) == (NodeState.PARKED, 1, 0)
    assert "power_off failed 5 times" in view.status.reason


@pytest.mark.parametrize("step", ["set_boot", "power_on"])
async def test_each_step_that_asks_a_bmc_climbs_the_same_ladder(step: str) -> None:
    site = Site()
    site.world.power = Power.OFF
    site.world.ignores_boot = 99 if step == "set_boot" else 0
    site.world.ignores_power = 99 if step == "power_on" else 0
    await site.want()
    view = await site.until_settled(hours=3)
    assert (view.status.step, view.status.state, site.world.resets) == (step, NodeState.PARKED, 1)


async def test_a_machine_that_does_not_come_is_switched_off_and_on_with_a_new_grant_each_time() -> None:
    site = Site()
    site.world.ignores_network = True
    await site.want()
    view = await site.until_settled(hours=4)
    grants = [Grant.decode(v.data or b"").state for v in await site.store.list("grant.>")]
    assert grants == [GrantState.CLOSED] * 3
    assert (site.world.boots, site.world.resets, site.world.wipes) == (3, 1, 0)
    assert (view.status.state, "never came" in view.status.reason) == (NodeState.PARKED, True)


async def test_a_machine_that_comes_at_the_second_try_is_in_service() -> None:
    site = Site()
    site.world.ignores_network = True
    await site.want()
    await site.tend()
    await site.clock.advance(timedelta(minutes=46))
    await site.tend()
    site.world.ignores_network = False
    view = await site.until_settled()
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 1), view.status.reason


async def test_a_machine_that_has_taken_its_grant_is_never_touched() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.until_settled(hours=6)
    assert (site.world.boots, site.world.resets, site.world.power) == (1, 0, Power.ON)


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
async def test_killed_anywhere_on_the_ladder_it_ends_in_service_with_one_restart_or_two(fault: Fault) -> None:
    for point in range(1, 16):
        site = Site()
        site.world.hung = True
        await site.want()
        for _ in range(2):
            await site.tend()
            await site.clock.advance(timedelta(seconds=30))
        try:
            await site.tend(site.worker(effects=Effects(at=point, fault=fault)))
        except (Killed, Fenced):
            await site.clock.advance(TTL_PASSED)
        view = await site.until_settled()
        assert view.status.state is NodeState.IN_SERVICE, (point, view.status.reason)
        assert site.world.resets in (1, 2), point
        assert site.world.wipes == 1


def test_a_step_with_rungs_has_a_try_for_each_and_waits_out_the_silence_of_a_bmc() -> None:
    climbing = {name: step.retry for name, step in STEPS.items() if step.retry.rungs}
    assert set(climbing) == {"apply_off", "apply_on", "power_off", "set_boot", "power_on", "deploy"}
    for retry in climbing.values():
        assert retry.attempts == len(retry.rungs) + 1
        assert retry.rungs.count(Rung.RESET) == 1
        assert retry.rungs[-1] is not Rung.RESET, "after a restart it is asked once more"
    assert timedelta(minutes=1) < BMC_SILENCE


class LockedBmc(WorldBmc):
    """A BMC that refuses our password, and counts how often it was sent; each worker has a breaker of its own."""

    logins = 0

    async def facts(self) -> BmcFacts:
        """Refused."""
        LockedBmc.logins += 1
        raise AuthenticationFailed("BMC refused the credential of bringup")


async def test_twenty_workers_send_a_wrong_password_once_and_once_more_for_each_word_of_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site()
    monkeypatch.setattr(site.world, "connect", lambda _target, _protocol: LockedBmc(site.world))
    monkeypatch.setattr(LockedBmc, "logins", 0)
    await site.want()
    for number in range(20):
        view = await site.tend(site.worker(f"w{number}"))
        await site.clock.advance(timedelta(minutes=1))
    assert (view.status.state, LockedBmc.logins) == (NodeState.FAILED, 1)
    await site.command("retry")
    for number in range(20):
        await site.tend(site.worker(f"w{number}"))
    assert LockedBmc.logins == 2
