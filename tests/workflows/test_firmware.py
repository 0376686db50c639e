"""The workflow ``firmware`` and the baseline in an install: in the vendor's order, each once, one power cycle at most."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.fakes.world import WorldBmc
from tests.workflows.fleet import Fleet
from tests.workflows.samples import BASELINED, PROFILE, desired
from tests.workflows.site import Site
from workflows.engine.ports import TaskFacts
from workflows.model.baseline import drift
from workflows.model.campaign import CampaignState
from workflows.model.errors import Busy
from workflows.model.hardware import Firmware, HardwareReport
from workflows.model.posts import posts
from workflows.model.run import Run, StepRef
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def adopted(**changes: object) -> Site:
    site = Site(wish=desired(status="active", profile=BASELINED, **changes))
    await site.want()
    await site.command("adopt")
    assert (await site.tend()).status.state is NodeState.IN_SERVICE
    return site


def flashed(site: Site) -> list[str]:
    return [f"{u.component} {u.version}" for u in site.world.board.updates]


async def test_a_node_in_service_is_approved_updated_once_and_rebooted_once() -> None:
    site = await adopted()
    assert (await site.command("firmware")).accepted
    view = await site.tend()
    assert (view.status.state, flashed(site), site.world.boots) == (NodeState.PARKED, [], 0)
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert (view.status.state, view.status.outcome) == (NodeState.IN_SERVICE, "succeeded")
    assert flashed(site) == ["BMC 2.0", "BIOS 2.0"]
    assert site.world.board.versions == {"BMC": "2.0", "BIOS": "2.0"}
    assert site.world.board.attributes == {"SriovGlobalEnable": "Enabled"}
    assert (site.world.boots, site.world.wipes) == (1, 0)


async def test_where_nothing_differs_nothing_is_flashed_and_nothing_is_switched_off() -> None:
    site = await adopted()
    site.world.board.versions = {"BMC": "2.0", "BIOS": "2.0"}
    site.world.board.attributes = {"SriovGlobalEnable": "Enabled"}
    await site.command("firmware")
    await site.tend()
    await site.command("approve", who="bob")
    assert (await site.until_settled()).status.outcome == "succeeded"
    assert (flashed(site), site.world.boots) == ([], 0)


async def test_an_update_that_fails_asks_a_person_and_is_not_repeated_by_itself() -> None:
    site = await adopted()
    site.world.board.fails = ("BMC",)
    await site.command("firmware")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled(hours=0.2)
    assert (view.status.state, flashed(site)) == (NodeState.PARKED, ["BMC 2.0"])
    assert "the update of firmware BMC of gpu-001 to 2.0 failed" in view.status.reason
    site.world.board.fails = ()
    await site.command("retry", who="bob")
    assert (await site.until_settled()).status.outcome == "succeeded"
    assert flashed(site) == ["BMC 2.0", "BMC 2.0", "BIOS 2.0"]


async def test_an_update_that_waits_for_a_boot_is_not_forgotten_by_a_try_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = await adopted()
    site.world.board.slow = ("BMC", "BIOS")
    tasks, failed = WorldBmc.tasks, []

    async def once_busy(self: WorldBmc) -> tuple[TaskFacts, ...]:
        known = await tasks(self)
        if known and known[-1].ended and not failed:
            failed.append(known[-1].path)
            raise Busy("the service is busy")
        return known

    monkeypatch.setattr(WorldBmc, "tasks", once_busy)
    await site.command("firmware")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert (view.status.outcome, failed) == ("succeeded", ["/tasks/1"])
    assert flashed(site) == ["BMC 2.0", "BIOS 2.0"]


async def test_a_baseline_that_names_what_is_not_there_stops_before_anybody_is_drained() -> None:
    site = await adopted()
    site.world.board.versions = {"BMC": "1.0"}
    site.world.board.attributes = {}
    await site.command("firmware")
    view = await site.tend()
    assert (view.status.state, view.status.step, view.status.digest) == (NodeState.PARKED, "inspect", "")
    assert (
        "shows no BIOS attribute SriovGlobalEnable, no firmware BIOS, which the baseline of sku lab"
        in view.status.reason
    )
    await site.command("cancel")
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE


async def test_a_bmc_without_sessions_gets_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_session(self: WorldBmc) -> None:
        return None

    site = await adopted()
    monkeypatch.setattr(WorldBmc, "open", no_session)
    await site.command("firmware")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert (view.status.outcome, flashed(site)) == ("failed", [])
    assert "knows no sessions" in view.status.reason


async def test_an_install_brings_the_machine_to_the_baseline_first() -> None:
    site = Site(wish=desired(profile=BASELINED))
    await site.want()
    view = await site.until_settled()
    assert (view.status.state, flashed(site), site.world.wipes) == (NodeState.IN_SERVICE, ["BMC 2.0", "BIOS 2.0"], 1)
    assert posts(view.state) == ("boot with the baseline", "network boot", "proof boot")
    assert site.world.boots == 3


async def test_of_one_rack_only_one_node_is_updated_at_a_time() -> None:
    site = await adopted()
    await site.store.put("cap.lab.rack-r12-firmware", b'{"slots": [{"holder": "lab.nb-2.c9"}]}', expect=0)
    other = Site(wish=desired("gpu-002")).wish
    held = Run(
        node=other.node, cause="c9", workflow="firmware", steps=(StepRef(name="identify", version=1),), desired=other
    )
    await site.store.put("run.lab.nb-2.c9", held.encode(), expect=0)
    await site.command("firmware")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.tend()
    assert view.status.state is NodeState.WAITING
    assert "whose firmware is updated at once" in view.status.reason
    assert flashed(site) == []


async def test_a_rack_is_one_campaign_and_one_node_of_it_is_out_at_a_time() -> None:
    wishes = [desired(f"gpu-00{n}", status="active", profile=BASELINED) for n in range(1, 5)]
    async with Fleet(4, wishes=wishes) as fleet:
        fleet.drive()
        campaign = (await fleet.command("firmware", "rack:R12", "ann", reason="advisory")).campaign
        assert campaign is not None
        await fleet.command("approve", f"campaign:{campaign}", "bob")
        done = await fleet.until(lambda c: c.state is CampaignState.DONE, campaign)
        assert done.text == "rack:R12: 4 of 4 in service"
        boards = [world.board for world in fleet.worlds.values()]
        spans = sorted((b.updates[0].ends - b.takes, b.updates[-1].ends) for b in boards)
        assert [len(b.updates) for b in boards] == [2, 2, 2, 2]
        assert all(ended <= began for (_, ended), (began, _) in pairwise(spans)), spans


async def test_a_sku_without_a_baseline_and_an_observing_site_refuse_it() -> None:
    site = await adopted()
    await site.want(desired(status="active", profile=PROFILE, generation=2))
    refused = await site.command("firmware")
    assert (refused.accepted, "names no bios" in refused.nodes[0].text) == (False, True)
    site = await adopted()
    site.settings = SiteSettings(site="lab", mode=Mode.OBSERVE)
    assert not (await site.command("firmware")).accepted


async def test_a_slow_update_holds_no_worker_and_shows_its_progress() -> None:
    site = await adopted()
    site.world.board.takes = timedelta(minutes=30)
    await site.command("firmware")
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert (view.status.outcome, flashed(site)) == ("succeeded", ["BMC 2.0", "BIOS 2.0"])


def test_drift_is_told_from_what_was_seen_and_what_is_not_shown_is_drift() -> None:
    seen = HardwareReport(
        protocol="redfish",
        address="lab",
        firmware=(Firmware(name="BMC", version="1.0"),),
        settings={"SriovGlobalEnable": "Disabled"},
    )
    assert drift(BASELINED.sku, seen) == (
        "BIOS SriovGlobalEnable is Disabled, the baseline says Enabled",
        "firmware BMC is 1.0, the baseline says 2.0",
        "no firmware BIOS is shown, the baseline says 2.0",
    )
    assert drift(PROFILE.sku, seen) == ()
