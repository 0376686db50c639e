"""Runs as people meet them: commands, approval, cancel, hold, drift, and every kind of fault of the world."""

from datetime import timedelta

import pytest

from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.engine.look import View
from workflows.engine.ports import BootTarget, Message, Power
from workflows.model.cap import Cap
from workflows.model.desired import Intent
from workflows.model.grant import Grant, GrantState, NextBoot
from workflows.model.posts import posts
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState
from workflows.model.verdict import Verdict

pytestmark = pytest.mark.fast


async def in_service() -> Site:
    site = Site()
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    return site


async def test_observe_shows_what_it_would_do_and_touches_nothing() -> None:
    site = Site(settings=SiteSettings(site="lab"))
    await site.want()
    view = await site.tend()
    assert (view.status.state, view.status.workflow, view.run) == (NodeState.WOULD, "provision", None)
    assert site.world.writes == 0


async def test_a_swapped_machine_is_never_touched() -> None:
    site = Site()
    site.world.serial = "SOMEBODY-ELSE"
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "SOMEBODY-ELSE" in view.status.reason
    assert (site.world.writes, site.world.wipes) == (0, 0)


async def test_a_machine_swapped_in_mid_run_is_noticed_before_the_next_write() -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED))
    await site.want()
    assert (await site.tend()).status.digest
    site.world.serial = "SOMEBODY-ELSE"
    await site.command("approve")
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "SOMEBODY-ELSE" in view.status.reason
    assert (site.world.writes, site.world.sessions) == (0, {})


@pytest.mark.parametrize(
    "change", [{"generation": 2, "rack": "R13"}, {"generation": 2, "profile": None, "problems": ("unknown profile",)}]
)
async def test_an_edit_of_a_node_in_service_wipes_nothing(change: dict[str, object]) -> None:
    site = await in_service()
    await site.want(desired(status="active", **change))
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    assert site.world.wipes == 1


async def test_reimage_by_message_waits_for_approval_then_runs() -> None:
    site = await in_service()
    await site.want(desired(status="active"))
    assert (await site.command("reimage")).accepted
    view = await site.tend()
    assert (view.status.state, view.status.workflow) == (NodeState.PARKED, "reimage")
    assert view.status.digest
    assert site.world.wipes == 1
    assert (await site.command("approve", who="bob")).accepted
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    assert (site.world.wipes, view.run.cause if view.run else None) == (2, "c101")


async def test_a_denied_reimage_leaves_the_node_in_service_and_untouched() -> None:
    site = await in_service()
    await site.want(desired(status="active"))
    await site.command("reimage")
    await site.tend()
    writes = site.world.writes
    await site.command("deny")
    view = await site.tend()
    assert (view.status.state, view.status.outcome) == (NodeState.IN_SERVICE, "denied")
    assert (site.world.wipes, site.world.writes) == (1, writes)


async def test_four_eyes_count_persons() -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, four_eyes=True))
    await site.want()
    await site.tend()
    await site.want(desired(status="active"))
    await site.command("reimage", who="ann")
    await site.tend()
    await site.command("approve", who="ann")
    assert (await site.tend()).status.state is NodeState.PARKED
    await site.command("approve", who="bob")
    assert (await site.tend()).status.state is NodeState.IN_SERVICE


async def test_a_command_seen_twice_answers_the_same_and_starts_nothing_more() -> None:
    site = await in_service()
    await site.want(desired(status="active"))
    message = Message("command.ann.reimage.lab", b'{"select": "gpu-001"}', 200, site.clock.now())
    first = await site.take(message)
    await site.tend()
    await site.command("approve")
    await site.tend()
    assert await site.take(message) == first
    assert (await site.tend()).status.state is NodeState.IN_SERVICE
    assert site.world.wipes == 2


async def test_an_expired_command_does_nothing_and_says_so() -> None:
    site = await in_service()
    old = Message("command.ann.reimage.lab", b'{"select": "gpu-001"}', 200, site.clock.now() - timedelta(minutes=11))
    outcome = await site.take(old)
    assert not outcome.accepted
    assert "expired" in outcome.text
    assert [m.subject for m in site.bus.kept("dead.>")] == ["dead.command"]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("command.ann.reimage.lab", b"not json"),
        ("command.ann.reimage.lab", b'{"select": "gpu-404"}'),
        ("command.ann.reimage.lab", b'{"select": "gpu-001", "surprise": 1}'),
        ("command.ann.reimage.lab", b'{"select": "gpu-001", "for": "root"}'),
        ("command.ann.explode.lab", b'{"select": "gpu-001"}'),
        ("command.ann.reimage.lab", b"x" * 50_000_000),
    ],
)
async def test_bad_commands_get_one_sentence_and_a_place_in_dead(subject: str, body: bytes) -> None:
    site = await in_service()
    outcome = await site.take(Message(subject, body, 200, site.clock.now()))
    assert not outcome.accepted
    assert outcome.text
    assert len(site.bus.kept("dead.>")) == 1
    assert (await site.tend()).status.state is NodeState.IN_SERVICE


async def test_a_command_that_saw_an_older_run_is_refused() -> None:
    site = await in_service()
    outcome = await site.command("reimage", b'{"select": "gpu-001", "after": "c99"}')
    assert not outcome.accepted
    assert "look again" in outcome.nodes[0].text


async def test_cancel_while_the_machine_writes_waits_for_its_report() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    assert "writes its disk" in (await site.tend()).status.reason
    await site.command("cancel")
    view = await site.tend()
    assert "nobody may interrupt" in view.status.reason
    await site.world.report()
    view = await site.tend()
    assert (view.status.outcome, site.world.wipes) == ("cancelled", 1)
    assert Cap.decode((await site.store.get("cap.lab")).data or b"").slots == ()


async def test_cancel_before_the_machine_comes_closes_the_grant_and_takes_the_boot_back() -> None:
    site = Site()
    site.world.ignores_power = 99
    site.world.power = Power.OFF
    await site.want()
    await site.tend()
    await site.command("cancel")
    view = await site.until_settled()
    assert view.status.outcome == "cancelled"
    assert [Grant.decode(v.data or b"").state for v in await site.store.list("grant.>")] == [GrantState.CLOSED]
    assert site.world.boot is BootTarget.DISK


async def test_hold_stops_and_unhold_goes_on() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    await site.command("hold")
    assert (await site.tend()).status.state is NodeState.HELD
    await site.world.report()
    assert (await site.tend()).status.state is NodeState.HELD
    await site.command("unhold")
    assert (await site.tend()).status.state is NodeState.IN_SERVICE


async def test_nothing_is_wiped_while_the_inventory_cannot_be_asked() -> None:
    site = Site()
    site.world.inventory_up = False
    await site.want()
    view = await site.tend()
    assert "can't be asked" in view.status.reason
    assert site.world.writes == 0
    site.world.inventory_up = True
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE


@pytest.mark.parametrize("change", [{"protected": True}, {"intent": Intent.NOT_OURS, "status": "planned"}])
async def test_a_change_of_mind_right_before_the_wipe_stops_it(change: dict[str, object]) -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED))
    await site.want()
    assert (await site.tend()).status.state is NodeState.PARKED
    await site.want(desired(generation=2, **change))
    await site.command("approve")
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "nothing was wiped" in view.status.reason
    assert site.world.writes == 0


async def test_a_newer_wish_supersedes_a_run_that_has_not_wiped_yet() -> None:
    site = Site()
    site.world.inventory_up = False
    await site.want()
    await site.tend()
    await site.want(desired(generation=2, rack="R13"))
    site.world.inventory_up = True
    view = await site.until_settled()
    view = await site.until_settled() if view.status.outcome == "cancelled" else view
    assert (view.run.cause if view.run else None, view.status.state) == ("g2", NodeState.IN_SERVICE)
    assert site.world.wipes == 1


async def test_a_bmc_that_says_ok_and_does_nothing_is_asked_again_then_a_person_is() -> None:
    site = Site()
    site.world.ignores_power = 1
    await site.want()
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    deaf = Site()
    deaf.world.ignores_power = 99
    await deaf.want()
    view = await deaf.until_settled(hours=2)
    assert view.status.state is NodeState.PARKED
    assert "power_off failed 5 times" in view.status.reason


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR, Verdict.SKIP, Verdict.UNKNOWN])
async def test_only_a_pass_accepts(verdict: Verdict) -> None:
    site = Site()
    site.world.verdict = verdict
    await site.want()
    view = await site.tend()
    assert (view.status.state, view.status.outcome) == (NodeState.FAILED, "failed")
    assert view.status.report == ""
    assert "burn-in" in view.status.reason


async def test_retry_of_a_failed_run_makes_a_new_one() -> None:
    site = Site()
    site.world.verdict = Verdict.FAIL
    await site.want()
    await site.tend()
    assert (await site.tend()).run is not None
    site.world.verdict = Verdict.PASS
    assert (await site.command("retry")).accepted
    view = await site.tend()
    assert (view.run.cause if view.run else "", view.status.state) == ("c101", NodeState.IN_SERVICE)


async def test_the_cap_lets_only_so_many_grants_open_and_the_next_goes_on_when_a_slot_is_free() -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, wipes_at_once=0))
    await site.want()
    view = await site.tend()
    assert (view.status.state, site.world.wipes) == (NodeState.WAITING, 0)
    assert "its cap" in view.status.reason
    assert await site.store.list("grant.>") == []
    site.settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC, wipes_at_once=1)
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    assert site.world.wipes == 1


async def test_a_stray_reboot_without_a_grant_writes_nothing() -> None:
    site = await in_service()
    site.world.boot = BootTarget.NETWORK_ONCE
    site.world.power = Power.OFF
    await site.world.set_power(Power.ON)
    assert site.world.wipes == 1


async def test_cancel_between_set_boot_and_the_grant_takes_the_network_boot_back() -> None:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, wipes_at_once=0))
    await site.want()
    await site.tend()
    assert site.world.boot is BootTarget.NETWORK_ONCE
    await site.command("cancel")
    assert (await site.until_settled()).status.outcome == "cancelled"
    assert site.world.boot is BootTarget.DISK


async def test_adopt_takes_a_serving_node_in_by_reads_alone_even_where_the_site_observes() -> None:
    site = Site(wish=desired(status="active"), settings=SiteSettings(site="lab"))
    await site.want()
    await site.tend()
    assert (await site.command("adopt")).accepted
    view = await site.tend()
    assert (view.status.state, view.status.workflow) == (NodeState.IN_SERVICE, "adopt")
    assert (site.world.writes, site.world.sessions) == (0, {})


async def test_adopt_of_another_machine_than_the_inventory_names_is_parked() -> None:
    site = Site(wish=desired(status="active"))
    site.world.serial = "SOMEBODY-ELSE"
    await site.want()
    await site.command("adopt")
    assert (await site.tend()).status.state is NodeState.PARKED


async def test_a_command_that_can_not_be_meant_is_answered_so_at_once() -> None:
    site = await in_service()
    await site.want(desired(status="active"))
    outcome = await site.command("provision")
    assert not outcome.accepted
    assert "ask for reimage" in outcome.nodes[0].text
    assert (await site.store.get("request.lab.nb-1")).data is None


async def test_a_machine_that_never_reports_ends_only_by_a_persons_word() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    view = await site.until_settled(hours=4)
    assert view.status.state is NodeState.PARKED
    assert "half written" in view.status.reason
    await site.command("cancel")
    view = await site.tend()
    assert (view.status.state, view.open_run is None) == (NodeState.PARKED, False)
    assert (await site.command("retry")).accepted
    view = await site.tend()
    assert (view.status.outcome, view.open_run, site.world.wipes) == ("cancelled", None, 1)
    assert "cancelled by ann" in view.status.reason, "a park on the way to the end doesn't hide why it ended"
    assert b"grant" not in ((await site.store.get("cap.lab")).data or b"")


async def lose_power_while_writing(site: Site) -> View:
    """The machine goes off in mid-write; the worker looks when it is due, and again after the pause of a retry."""
    assert "writes its disk" in (await site.view()).status.reason
    site.world.power = Power.OFF
    for pause in (timedelta(minutes=5), timedelta(seconds=30)):
        await site.clock.advance(pause)
        await site.tend()
    return await site.view()


async def test_a_machine_that_lost_power_in_mid_write_gets_a_new_grant_at_most_twice() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    await lose_power_while_writing(site)
    site.world.reports = True
    view = await lose_power_while_writing(site)
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    states = [Grant.decode(v.data or b"").state for v in await site.store.list("grant.>")]
    assert states == [GrantState.TAKEN, GrantState.TAKEN, GrantState.REPORTED]
    assert site.world.wipes == 3, "one write a grant"
    assert b"grant" not in ((await site.store.get("cap.lab")).data or b"")


async def test_a_machine_that_loses_power_a_third_time_is_left_to_a_person() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    for _ in range(3):
        view = await lose_power_while_writing(site)
    assert (view.status.state, site.world.wipes) == (NodeState.PARKED, 3)
    assert "power supplies" in view.status.reason


async def test_a_machine_that_lost_power_is_not_wiped_again_where_the_inventory_forbids_it_now() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    await site.want(desired(generation=2, protected=True))
    view = await lose_power_while_writing(site)
    assert (view.status.state, site.world.wipes) == (NodeState.PARKED, 1)
    assert "bringup-protected" in view.status.reason


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (NextBoot.KEXEC, ("network boot", "proof boot")),
        (NextBoot.FIRMWARE, ("network boot", "first boot from disk", "proof boot")),
    ],
)
async def test_the_posts_of_a_run_follow_from_its_journal(how: NextBoot, expected: tuple[str, ...]) -> None:
    site = Site()
    site.world.next = how
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    assert posts(view.state) == expected
    assert site.world.boots == len(expected)


async def test_a_network_boot_after_lost_power_is_a_post_too() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    assert posts((await site.tend()).state) == ("network boot",)
    site.world.reports = True
    view = await lose_power_while_writing(site)
    assert posts(view.state) == ("network boot", "network boot again", "proof boot")
    assert site.world.boots == 3


async def test_an_older_copy_of_the_same_image_is_not_taken_for_the_new_one() -> None:
    site = Site()
    site.world.old_copy = "lab.nb-1.c4.1"
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.FAILED
    assert "older copy" in view.status.reason
    assert "lab.nb-1.c4.1" in view.status.reason


async def test_what_the_machine_reports_against_its_image_ends_the_run_in_one_sentence() -> None:
    site = Site()
    site.world.fails = "the disk holds aa, the release says bb"
    await site.want()
    view = await site.tend()
    assert (view.status.state, site.world.wipes) == (NodeState.FAILED, 1)
    assert view.status.reason == "the machine reported: the disk holds aa, the release says bb"
