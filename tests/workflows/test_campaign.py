"""Campaigns in virtual time: one list, one approval, a canary, waves, a failure limit, one report."""

from datetime import timedelta

import pytest

from tests.workflows.fleet import SERVING, Fleet, moved
from tests.workflows.samples import desired
from workflows.engine.ports import Message
from workflows.model.campaign import CampaignState
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState
from workflows.model.verdict import Verdict

pytestmark = pytest.mark.fast

OVER = (CampaignState.DONE, CampaignState.DENIED, CampaignState.CANCELLED)
STOPPED = (*OVER, CampaignState.PAUSED)
ALL = "rack:R12"


async def proposed(fleet: Fleet, who: str = "ann") -> str:
    """One command over the whole rack, by its campaign's id."""
    outcome = await fleet.command("reimage", ALL, who, reason="kernel")
    assert outcome.accepted, outcome.text
    assert outcome.campaign is not None
    return outcome.campaign


async def test_many_nodes_are_one_approval_and_end_in_service_wave_by_wave() -> None:
    async with Fleet(72) as fleet:
        fleet.drive()
        campaign = await proposed(fleet)
        await fleet.quiet()
        assert fleet.wiped() == [], "nothing moves before the approval"
        assert "waits for approval" in (await fleet.status(71)).campaign
        assert (await fleet.command("approve", f"campaign:{campaign}", "bob")).accepted
        canary = await fleet.until(lambda c: moved(c) > 0, campaign)
        assert moved(canary) == 1
        second = await fleet.until(lambda c: c.wave == 1, campaign)
        assert set(fleet.wiped()) <= set(range(1, 10))
        assert moved(second) == 9
        assert "wave 3 of" in (await fleet.status(25)).campaign
        done = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert (done.state, done.text) == (CampaignState.DONE, "rack:R12: 72 of 72 in service")
        assert fleet.wiped() == list(range(1, 73))
        assert [m.subject for m in fleet.bus.kept("note.parked.>")] == [], "one thread, and not a question a node"


async def test_a_canary_that_fails_stops_it_at_one() -> None:
    async with Fleet(200) as fleet:
        fleet.drive()
        fleet.worlds["lab.nb-1"].verdict = Verdict.FAIL
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        paused = await fleet.until(lambda c: c.state in STOPPED, campaign)
        await fleet.quiet()
        assert paused.state is CampaignState.PAUSED
        assert "canary failed (gpu-001)" in paused.text
        assert fleet.wiped() == [1]
        assert "is paused" in (await fleet.status(2)).campaign


async def test_a_wave_that_reaches_the_failure_limit_stops_what_is_not_touched_yet() -> None:
    async with Fleet(40) as fleet:
        fleet.drive()
        for number in (2, 4):
            fleet.worlds[f"lab.nb-{number}"].verdict = Verdict.FAIL
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        paused = await fleet.until(lambda c: c.state in STOPPED, campaign)
        await fleet.quiet()
        assert paused.state is CampaignState.PAUSED
        assert fleet.wiped() == [1, 2, 3, 4, 5]
        assert {(await fleet.status(n)).state for n in range(6, 41)} <= {NodeState.IDLE}
        fleet.worlds["lab.nb-2"].verdict = fleet.worlds["lab.nb-4"].verdict = Verdict.PASS
        assert (await fleet.command("retry", f"campaign:{campaign}", "bob")).accepted
        done = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert (done.state, done.text) == (CampaignState.DONE, "rack:R12: 40 of 40 in service")
        assert sorted(set(fleet.wiped())) == list(range(1, 41))


async def test_failures_below_the_limit_are_in_the_report_and_unhold_accepts_more() -> None:
    async with Fleet(6) as fleet:
        fleet.drive()
        for number in (3, 5, 6):
            fleet.worlds[f"lab.nb-{number}"].verdict = Verdict.FAIL
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        assert (await fleet.until(lambda c: c.state in STOPPED, campaign)).state is CampaignState.PAUSED
        assert (await fleet.command("unhold", f"campaign:{campaign}", "bob")).accepted
        done = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert done.state is CampaignState.DONE
        assert done.text.startswith("rack:R12: 3 of 6 in service; gpu-003 failed: ")


async def test_the_requester_may_not_approve_his_own_campaign_under_four_eyes() -> None:
    settings = SERVING.model_copy(update={"four_eyes": True, "persons": {"ann": ("@ann:chat",)}})
    async with Fleet(3, settings) as fleet:
        fleet.drive()
        campaign = await proposed(fleet)
        for who, body in (("ann", {}), ("bot", {"for": "@ann:chat"}), ("bot", {})):
            outcome = await fleet.command("approve", f"campaign:{campaign}", who, **body)
            assert not outcome.accepted
            assert "four eyes" in outcome.text
        await fleet.quiet()
        assert fleet.wiped() == []
        assert (await fleet.command("approve", f"campaign:{campaign}", "bob")).accepted
        assert (await fleet.until(lambda c: c.state in STOPPED, campaign)).state is CampaignState.DONE


async def test_an_approval_is_of_the_list_that_was_seen() -> None:
    async with Fleet(3) as fleet:
        campaign = await proposed(fleet)
        other = await fleet.command("approve", f"campaign:{campaign}", "bob", digest="0" * 64)
        assert not other.accepted
        assert "look again" in other.text
        digest = (await fleet.campaign(campaign)).digest()
        assert (await fleet.command("approve", f"campaign:{campaign}", "bob", digest=digest)).accepted


async def test_a_node_that_changed_since_it_was_seen_is_left_as_it_is() -> None:
    async with Fleet(4) as fleet:
        fleet.drive()
        campaign = await proposed(fleet)
        await fleet.want(desired("gpu-001", status="active", generation=2, serial="SWAPPED"))
        await fleet.want(desired("gpu-003", status="active", generation=2, protected=True))
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        done = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert done.state is CampaignState.DONE
        assert "gpu-001 skipped: it changed since it was approved" in done.text
        assert "gpu-003 skipped: it is tagged bringup-protected" in done.text
        assert fleet.wiped() == [2, 4], "gpu-002 was the canary in its place"


async def test_an_approval_that_expires_pauses_the_campaign_until_it_is_given_again() -> None:
    settings = SERVING.model_copy(update={"approval_hours": 1})
    async with Fleet(5, settings) as fleet:
        fleet.drive()
        fleet.worlds["lab.nb-2"].reports = False
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        await fleet.until(lambda c: c.wave == 1, campaign)
        paused = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert (paused.state, "expired" in paused.text) == (CampaignState.PAUSED, True)
        assert not (await fleet.command("unhold", f"campaign:{campaign}", "bob")).accepted
        assert (await fleet.command("approve", f"campaign:{campaign}", "bob")).accepted
        assert (await fleet.campaign(campaign)).state is CampaignState.RUNNING


async def test_cancel_in_the_middle_leaves_the_untouched_untouched_and_ends_once() -> None:
    async with Fleet(12) as fleet:
        fleet.drive()
        for number in (2, 3):
            fleet.worlds[f"lab.nb-{number}"].reports = False
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        await fleet.until(lambda c: c.wave == 1, campaign)
        await fleet.clock.advance(timedelta(minutes=1))
        assert fleet.wiped() == [1, 2, 3]
        assert (await fleet.command("cancel", f"campaign:{campaign}", "eve")).accepted
        stopping = await fleet.campaign(campaign)
        assert stopping.state is CampaignState.STOPPING, "two machines write: nobody interrupts them"
        for number in (2, 3):
            await fleet.report(number)
        ended = await fleet.until(lambda c: c.state in OVER, campaign)
        await fleet.quiet()
        assert ended.state is CampaignState.CANCELLED
        assert "cancelled by eve; rack:R12: 1 of 12 in service" in ended.text
        assert "9 untouched" in ended.text
        assert fleet.wiped() == [1, 2, 3]
        assert (await fleet.status(5)).campaign == ""


async def test_denied_it_is_over_and_the_nodes_are_free_again() -> None:
    async with Fleet(3) as fleet:
        fleet.drive()
        campaign = await proposed(fleet)
        taken = await fleet.command("reimage", "gpu-002")
        assert f"campaign {campaign}" in taken.nodes[0].text
        assert (await fleet.command("deny", f"campaign:{campaign}", "bob")).accepted
        assert not (await fleet.command("approve", f"campaign:{campaign}", "bob")).accepted
        await fleet.quiet()
        assert fleet.wiped() == []
        assert (await fleet.command("reimage", "gpu-002")).accepted
        await fleet.quiet()
        assert (await fleet.status(2)).digest


async def test_hold_lets_nobody_go_and_what_runs_goes_on() -> None:
    async with Fleet(12) as fleet:
        fleet.drive()
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        await fleet.until(lambda c: moved(c) == 1, campaign)
        assert (await fleet.command("hold", f"campaign:{campaign}", "eve")).accepted
        await fleet.quiet()
        assert moved(await fleet.campaign(campaign)) == 1
        assert (await fleet.command("unhold", f"campaign:{campaign}", "eve")).accepted
        assert (await fleet.until(lambda c: c.state in STOPPED, campaign)).state is CampaignState.DONE
        assert fleet.wiped() == list(range(1, 13))


async def test_a_parked_node_counts_as_failed_until_a_person_helped_it_on() -> None:
    async with Fleet(3) as fleet:
        fleet.drive()
        fleet.worlds["lab.nb-1"].serial = "SOMEBODY-ELSE"
        campaign = await proposed(fleet)
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        paused = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert "canary failed (gpu-001)" in paused.text
        fleet.worlds["lab.nb-1"].serial = "SN1"
        assert (await fleet.command("retry", f"campaign:{campaign}", "bob")).accepted
        done = await fleet.until(lambda c: c.state in STOPPED, campaign)
        assert (done.state, fleet.wiped()) == (CampaignState.DONE, [1, 2, 3])


async def test_nodes_that_it_can_not_be_meant_for_are_refused_one_by_one_and_not_on_the_list() -> None:
    wishes = [desired(f"gpu-{n:03d}", status="active", protected=n == 2) for n in range(1, 5)]
    async with Fleet(0, wishes=wishes) as fleet:
        outcome = await fleet.command("reimage", ALL)
        assert [(n.label, n.accepted) for n in outcome.nodes if not n.accepted] == [("gpu-002", False)]
        assert [m.label for m in (await fleet.campaign("c101")).members] == ["gpu-001", "gpu-003", "gpu-004"]


async def test_one_node_is_no_campaign_and_observe_refuses_one() -> None:
    async with Fleet(2) as fleet:
        assert (await fleet.command("reimage", "gpu-001")).campaign is None
    async with Fleet(2, SiteSettings(site="lab", mode=Mode.OBSERVE)) as fleet:
        outcome = await fleet.command("reimage", ALL)
        assert (outcome.accepted, outcome.campaign) == (False, None)


async def test_a_command_delivered_twice_is_one_campaign() -> None:
    async with Fleet(3) as fleet:
        fleet.drive()
        message = Message("command.ann.reimage.lab", b'{"select": "rack:R12"}', 200, fleet.clock.now())
        first = await fleet.take(message)
        before = await fleet.store.get("campaign.lab.c200")
        outcome = await fleet.store.get("outcome.200")
        await fleet.store.delete(outcome.key, expect=outcome.seq)
        assert (await fleet.take(message)).campaign == first.campaign
        assert (await fleet.store.get("campaign.lab.c200")).seq == before.seq


@pytest.mark.parametrize("select", ["campaign:c999", "campaign:", "campaign:c1.>", "campaign:*"])
async def test_a_campaign_that_is_not_there_is_said(select: str) -> None:
    async with Fleet(1) as fleet:
        outcome = await fleet.command("approve", select)
        assert not outcome.accepted
        assert "there is no campaign" in outcome.text
