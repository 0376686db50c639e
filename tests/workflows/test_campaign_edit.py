"""A bulk edit in NetBox: nodes that were never in service are one campaign, and nodes in service start nothing by it."""

from datetime import timedelta

import pytest

from tests.workflows.fleet import SERVING, Fleet, moved
from tests.workflows.samples import desired
from workflows.model.campaign import CampaignState, id_of_edit
from workflows.model.desired import Desired, Edit
from workflows.model.settings import Mode
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

REQUEST = "0b1e6f0a-3f6e-4d62-9d5e-7a5b2f8c1d11"
CAMPAIGN = id_of_edit(REQUEST)
NEVER = timedelta(minutes=3)


def staged(count: int, of: int | None = None) -> list[Desired]:
    """``count`` new nodes that one edit of ``of`` devices staged."""
    edit = Edit(request=REQUEST, person="ann", nodes=of or count)
    return [desired(f"gpu-{n:03d}", edit=edit) for n in range(1, count + 1)]


async def test_seventy_two_new_nodes_are_one_approval() -> None:
    async with Fleet(0, wishes=staged(72)) as fleet:
        await fleet.clock.advance(NEVER)
        assert fleet.wiped() == [], "not even without a driver that proposes the campaign"
        assert "is not made yet" in (await fleet.status(1)).campaign
        fleet.drive()
        fleet.drive(jitter=2)
        proposed = await fleet.until(lambda c: len(c.members) == 72, CAMPAIGN, hours=1)
        assert (proposed.asked_by, proposed.state) == ("ann", CampaignState.PROPOSED)
        await fleet.clock.advance(NEVER)
        assert fleet.wiped() == []
        assert "waits for approval" in (await fleet.status(72)).campaign
        assert (await fleet.command("approve", f"campaign:{CAMPAIGN}", "bob")).accepted
        done = await fleet.until(lambda c: not c.live, CAMPAIGN)
        assert done.text == "one edit of 72 devices: 72 of 72 in service"
        assert fleet.wiped() == list(range(1, 73))
        assert (await fleet.status(40)).accepted_run == "lab.nb-40.g1", "the run of the wish, not of a command"
        assert [v.key for v in await fleet.store.list("campaign.>")] == [f"campaign.lab.{CAMPAIGN}"]


async def test_denied_they_start_nothing_until_somebody_asks() -> None:
    async with Fleet(0, wishes=staged(3)) as fleet:
        fleet.drive()
        await fleet.until(lambda c: len(c.members) == 3, CAMPAIGN, hours=1)
        await fleet.command("deny", f"campaign:{CAMPAIGN}", "bob")
        await fleet.clock.advance(NEVER)
        status = await fleet.status(2)
        assert (fleet.wiped(), status.state, "denied by bob" in status.reason) == ([], NodeState.IDLE, True)
        assert (await fleet.command("provision", "gpu-002", "bob")).accepted
        await fleet.clock.advance(NEVER)
        assert fleet.wiped() == [2]


async def test_the_person_of_the_edit_may_not_approve_it_under_four_eyes() -> None:
    settings = SERVING.model_copy(update={"four_eyes": True, "persons": {"ann-k": ("ann",)}})
    async with Fleet(0, settings, wishes=staged(3)) as fleet:
        fleet.drive()
        await fleet.until(lambda c: len(c.members) == 3, CAMPAIGN, hours=1)
        for who, body in (("ann-k", {}), ("ann", {}), ("bot", {"for": "ANN"})):
            outcome = await fleet.command("approve", f"campaign:{CAMPAIGN}", who, **body)
            assert (outcome.accepted, "four eyes" in outcome.text) == (False, True)
        assert (await fleet.command("approve", f"campaign:{CAMPAIGN}", "bob")).accepted


async def test_nodes_of_another_site_are_not_waited_for_for_ever_and_late_ones_are_not_on_the_list() -> None:
    wishes = staged(4, of=6)
    late = wishes.pop()
    async with Fleet(0, wishes=[*wishes, late.model_copy(update={"edit": None, "status": "planned"})]) as fleet:
        fleet.drive()
        await fleet.clock.advance(timedelta(minutes=2))
        assert len((await fleet.campaign(CAMPAIGN)).members) == 3
        await fleet.want(late)
        await fleet.clock.advance(NEVER)
        assert "without it" in (await fleet.status(4)).reason
        await fleet.command("approve", f"campaign:{CAMPAIGN}", "bob")
        await fleet.until(lambda c: not c.live, CAMPAIGN)
        assert fleet.wiped() == [1, 2, 3]


async def test_an_edit_of_one_node_and_an_observed_site_make_no_campaign() -> None:
    async with Fleet(0, wishes=staged(1)) as fleet:
        fleet.drive()
        await fleet.clock.advance(NEVER)
        assert fleet.wiped() == [1]
    observe = SERVING.model_copy(update={"mode": Mode.OBSERVE})
    async with Fleet(0, observe, wishes=staged(3)) as fleet:
        fleet.drive()
        await fleet.clock.advance(NEVER)
        assert (await fleet.store.list("campaign.>"), (await fleet.status(1)).state) == ([], NodeState.WOULD)


async def test_a_wish_that_changed_harmlessly_since_is_let_go_as_it_is_now() -> None:
    async with Fleet(0, wishes=staged(2)) as fleet:
        fleet.drive()
        await fleet.until(lambda c: len(c.members) == 2, CAMPAIGN, hours=1)
        await fleet.want(staged(2)[1].model_copy(update={"generation": 2, "tags": ("hot",)}))
        await fleet.command("approve", f"campaign:{CAMPAIGN}", "bob")
        done = await fleet.until(lambda c: not c.live, CAMPAIGN)
        assert (done.text, fleet.wiped()) == ("one edit of 2 devices: 2 of 2 in service", [1, 2])
        assert (await fleet.status(2)).accepted_run == "lab.nb-2.g2"


async def test_a_bulk_edit_that_stages_nodes_in_service_again_starts_nothing_without_approval() -> None:
    async with Fleet(0, wishes=staged(3)) as fleet:
        fleet.drive()
        await fleet.until(lambda c: len(c.members) == 3, CAMPAIGN, hours=1)
        await fleet.command("approve", f"campaign:{CAMPAIGN}", "bob")
        await fleet.until(lambda c: not c.live, CAMPAIGN)
        again = Edit(request="another", person="ann", nodes=3)
        for wish in staged(3):
            await fleet.want(wish.model_copy(update={"generation": 2, "edit": again}))
        await fleet.clock.advance(NEVER)
        assert fleet.wiped() == [1, 2, 3]
        assert {(await fleet.status(n)).state for n in (1, 2, 3)} == {NodeState.IN_SERVICE}
        nodes = ",".join(fleet.wishes)
        outcome = await fleet.command("reimage", nodes, "sync", **{"for": "ann"})  # as the change log's reader sends
        assert outcome.campaign is not None
        await fleet.clock.advance(NEVER)
        assert (fleet.wiped(), moved(await fleet.campaign(outcome.campaign))) == ([1, 2, 3], 0)
        await fleet.command("approve", f"campaign:{outcome.campaign}", "bob")
        await fleet.until(lambda c: not c.live, outcome.campaign)
        assert sorted(fleet.wiped()) == [1, 1, 2, 2, 3, 3]
