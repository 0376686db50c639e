"""A campaign's driver, or its command consumer, killed or paused at any of its effects, or doubled: it still ends once.

The machines are the witnesses: each counts its own wipes.
"""

from datetime import timedelta

import pytest

from tests.fakes.effects import Effects, Fault, FaultyStore, Killed
from tests.workflows.fleet import Fleet
from workflows.engine.ports import Message
from workflows.model.campaign import CampaignState
from workflows.model.verdict import Verdict

pytestmark = pytest.mark.search

#: More writes than a driver does in one campaign of three nodes; the undisturbed run keeps this honest.
POINTS = 18
STOPPED = (CampaignState.DONE, CampaignState.PAUSED, CampaignState.CANCELLED)


async def approved(fleet: Fleet) -> str:
    outcome = await fleet.command("reimage", "rack:R12")
    assert outcome.campaign is not None
    assert (await fleet.command("approve", f"campaign:{outcome.campaign}", "bob")).accepted
    return outcome.campaign


async def test_undisturbed_it_has_fewer_effects_than_are_tried() -> None:
    async with Fleet(3) as fleet:
        effects = Effects(at=0, fault=Fault.KILL_BEFORE)
        fleet.drive(effects)
        await fleet.until(lambda c: c.state is CampaignState.DONE, await approved(fleet))
        assert POINTS - 6 < effects.seen < POINTS


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.LOST_BEFORE, Fault.LOST_AFTER])
async def test_killed_or_unanswered_at_any_effect_the_next_one_ends_it_with_one_wipe_a_node(fault: Fault) -> None:
    for point in range(1, POINTS):
        async with Fleet(3) as fleet:
            killed = fleet.drive(Effects(at=point, fault=fault))
            campaign = await approved(fleet)
            await fleet.clock.advance(timedelta(minutes=1))
            assert killed.done() or (await fleet.campaign(campaign)).state is CampaignState.DONE
            fleet.drive(jitter=2)
            done = await fleet.until(lambda c: c.state in STOPPED, campaign)
            assert done.text == "rack:R12: 3 of 3 in service", point
            assert sorted(fleet.wiped()) == [1, 2, 3], point


@pytest.mark.parametrize("fault", [Fault.PAUSE_BEFORE, Fault.PAUSE_AFTER])
async def test_paused_anywhere_and_overtaken_it_lets_nobody_go_when_it_goes_on(fault: Fault) -> None:
    for point in range(1, POINTS):
        async with Fleet(3) as fleet:
            effects = Effects(at=point, fault=fault)
            fleet.drive(effects)
            campaign = await approved(fleet)
            await fleet.clock.advance(timedelta(minutes=1))
            if not effects.paused or not (await fleet.campaign(campaign)).live:
                continue
            assert (await fleet.command("cancel", f"campaign:{campaign}", "eve")).accepted
            fleet.drive(jitter=2)
            await fleet.until(lambda c: c.state is CampaignState.CANCELLED, campaign)
            wiped, text = fleet.wiped(), (await fleet.campaign(campaign)).text
            effects.resume()
            await fleet.clock.advance(timedelta(minutes=1))
            assert fleet.wiped() == wiped, point
            assert (await fleet.campaign(campaign)).text == text, point


async def test_two_drivers_at_once_and_a_canary_that_fails_stop_at_one() -> None:
    async with Fleet(8) as fleet:
        fleet.drive()
        fleet.drive(jitter=2)
        fleet.worlds["lab.nb-1"].verdict = Verdict.FAIL
        campaign = await approved(fleet)
        assert (await fleet.until(lambda c: c.state in STOPPED, campaign)).state is CampaignState.PAUSED
        await fleet.quiet()
        assert fleet.wiped() == [1]
        assert (await fleet.command("unhold", f"campaign:{campaign}", "bob")).accepted
        await fleet.until(lambda c: c.state is CampaignState.DONE, campaign)
        assert sorted(fleet.wiped()) == list(range(1, 9))


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("point", range(1, 6))
async def test_a_proposal_killed_at_any_effect_is_finished_by_its_redelivery(point: int, fault: Fault) -> None:
    async with Fleet(3) as fleet:
        fleet.drive()
        message = Message("command.ann.reimage.lab", b'{"select": "rack:R12"}', 200, fleet.clock.now())
        with pytest.raises(Killed):
            await fleet.take(message, FaultyStore(fleet.store, Effects(at=point, fault=fault)))
        outcome = await fleet.take(message)
        assert (outcome.accepted, outcome.campaign, len(outcome.nodes)) == (True, "c200", 3)
        fleet.sent = 200
        assert (await fleet.command("approve", "campaign:c200", "bob")).accepted
        await fleet.until(lambda c: c.state is CampaignState.DONE, "c200")
        assert fleet.wiped() == [1, 2, 3]


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("point", range(1, 4))
async def test_a_retry_killed_at_any_effect_is_finished_by_its_redelivery(point: int, fault: Fault) -> None:
    async with Fleet(3) as fleet:
        fleet.drive()
        fleet.worlds["lab.nb-1"].verdict = Verdict.FAIL
        campaign = await approved(fleet)
        await fleet.until(lambda c: c.state is CampaignState.PAUSED, campaign)
        fleet.worlds["lab.nb-1"].verdict = Verdict.PASS
        select = f'{{"select": "campaign:{campaign}"}}'.encode()
        message = Message("command.bob.retry.lab", select, 200, fleet.clock.now())
        with pytest.raises(Killed):
            await fleet.take(message, FaultyStore(fleet.store, Effects(at=point, fault=fault)))
        await fleet.clock.advance(timedelta(minutes=1))
        assert (await fleet.take(message)).accepted
        done = await fleet.until(lambda c: c.state is CampaignState.DONE, campaign)
        assert done.text == "rack:R12: 3 of 3 in service"
        assert sorted(fleet.wiped()) == [1, 1, 2, 3]
