"""Failure 25: a job that runs on a node is never killed by bringup; a drain of ours is taken back or left on purpose."""

import contextlib
from datetime import timedelta

import pytest

from lab.memory import MemoryScheduler
from tests.fakes.effects import Effects, Fault, Killed
from tests.workflows.samples import desired
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.look import View
from workflows.engine.ports import BootTarget, Duty, Power
from workflows.model.desired import Desired
from workflows.model.errors import Fenced, Unreachable
from workflows.model.settings import Mode, SchedulerKind, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

NODE = "lab.nb-1"
OURS = "bringup run lab.nb-1.c101 (reimage)"
FORCED = b'{"select": "gpu-001", "reason": "broken", "force": true}'
SETTINGS = SiteSettings(site="lab", mode=Mode.AUTOMATIC, scheduler=SchedulerKind.SLURM)


async def serving(*jobs: str, reason: str = "", settings: SiteSettings = SETTINGS) -> Site:
    """A node in service that runs these jobs; its scheduler's word is asked from now on."""
    site = Site(settings=settings)
    await site.want()
    assert (await site.tend()).status.state is NodeState.IN_SERVICE
    await site.want(desired(status="active"))
    site.scheduler = MemoryScheduler()
    scheduler(site).know(NODE, *jobs, reason=reason)
    return site


async def approved(site: Site, body: bytes = b'{"select": "gpu-001", "reason": "test"}') -> View:
    assert (await site.command("reimage", body)).accepted
    await site.tend()
    answer = await site.command("approve", who="bob")
    assert answer.accepted, answer.nodes
    return await site.tend()


def scheduler(site: Site) -> MemoryScheduler:
    assert isinstance(site.scheduler, MemoryScheduler)
    return site.scheduler


async def test_a_running_job_is_waited_for_then_the_run_goes_on_by_itself_and_gives_the_node_back() -> None:
    site = await serving("4711 of ann")
    view = await approved(site)
    assert (view.status.state, view.status.step) == (NodeState.WAITING, "confirm_idle")
    assert "4711 of ann" in view.status.reason
    assert scheduler(site).nodes[NODE].reason == OURS
    for _ in range(20):
        await site.clock.advance(timedelta(hours=1))
        await site.tend()
    assert (site.world.wipes, site.world.power) == (1, Power.ON)
    scheduler(site).know(NODE, reason=OURS)
    view = await site.until_settled()
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 2), view.status.reason
    assert scheduler(site).nodes[NODE].open


async def test_nothing_is_drained_before_a_person_approved() -> None:
    site = await serving("4711 of ann")
    await site.command("reimage")
    assert (await site.tend()).status.digest
    assert scheduler(site).nodes[NODE].open


async def test_a_job_that_runs_past_its_time_is_a_persons_matter() -> None:
    site = await serving("4711 of ann", settings=SETTINGS.model_copy(update={"jobs_may_run_hours": 4}))
    await approved(site)
    for _ in range(6):
        await site.clock.advance(timedelta(hours=1))
        view = await site.tend()
    assert (view.status.state, site.world.wipes) == (NodeState.PARKED, 1)
    assert "4711 of ann" in view.status.reason
    assert "force" in view.status.reason


@pytest.mark.parametrize("moment", ["power_off", "netboot"])
async def test_a_job_that_starts_right_before_the_machine_is_stopped_or_wiped_is_seen(moment: str) -> None:
    site = await serving()

    class Late(MemoryScheduler):
        """Somebody gives the node back, and a job starts, when the worker comes to this step."""

        async def duty(self, node: Desired) -> Duty | None:
            view = await site.view()
            if view.open_run is not None and view.open_run.steps[view.state.step].name == moment:
                self.know(NODE, "4712 of bob")
            return await super().duty(node)

    site.scheduler = Late(nodes=scheduler(site).nodes)
    view = await approved(site)
    assert (view.status.state, view.status.step, site.world.wipes) == (NodeState.PARKED, moment, 1)
    assert "4712 of bob" in view.status.reason
    assert (site.world.power is Power.ON) == (moment == "power_off")


async def test_a_worker_that_died_before_the_act_asks_again_before_it_acts() -> None:
    for point in range(1, 40, 2):
        site = await serving()
        await site.command("reimage")
        await site.tend()
        await site.command("approve", who="bob")
        with contextlib.suppress(Killed, Fenced):
            await site.tend(site.worker(effects=Effects(at=point, fault=Fault.KILL_AFTER)))
        stopped = site.world.power is Power.OFF or site.world.boots > 2
        scheduler(site).know(NODE, "4712 of bob")
        await site.clock.advance(TTL_PASSED)
        for _ in range(3):
            view = await site.tend(site.worker("successor"))
            await site.clock.advance(timedelta(seconds=30))
        assert stopped or site.world.power is Power.ON, point
        assert stopped or (site.world.wipes, site.world.boots) == (1, 2), point
        assert view.status.reason


@pytest.mark.parametrize("verb", ["cancel", "deny"])
async def test_a_run_that_a_person_ends_before_the_wipe_gives_the_node_back(verb: str) -> None:
    site = await serving("4711 of ann")
    if verb == "deny":
        await site.command("reimage")
        await site.tend()
    else:
        await approved(site)
        assert not scheduler(site).nodes[NODE].open
    await site.command(verb)
    view = await site.until_settled()
    assert (view.status.state, view.open_run) == (NodeState.IN_SERVICE, None)
    assert scheduler(site).nodes[NODE] == Duty(jobs=("4711 of ann",))
    assert (site.world.wipes, site.world.power) == (1, Power.ON)


async def test_cancelled_between_power_off_and_the_grant_it_is_on_again_from_its_disk_and_in_service() -> None:
    site = await serving()
    await site.command("reimage")
    await site.tend()
    await site.command("approve", who="bob")
    site.world.ignores_boot = 99
    await site.tend()
    assert (site.world.power, (await site.view()).status.step) == (Power.OFF, "set_boot")
    await site.command("cancel")
    view = await site.until_settled()
    assert (view.status.state, site.world.power, site.world.boot) == (NodeState.IN_SERVICE, Power.ON, BootTarget.DISK)
    assert scheduler(site).nodes[NODE].open
    assert site.world.wipes == 1


async def test_a_node_that_an_administrator_drained_stays_drained() -> None:
    site = await serving(reason="bad fan, ann")
    view = await approved(site)
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert scheduler(site).nodes[NODE].reason == "bad fan, ann"
    assert view.state.result("return_to_service") == {"opened": "no, somebody closed it: bad fan, ann"}


async def test_a_failed_run_leaves_it_drained_and_the_next_that_succeeds_gives_it_back() -> None:
    site = await serving()
    site.world.reports = False
    await approved(site)
    view = await site.until_settled(hours=4)
    assert view.status.state is NodeState.PARKED
    await site.command("cancel")
    await site.tend()
    await site.command("retry")
    assert (await site.until_settled()).status.state is NodeState.FAILED
    assert scheduler(site).nodes[NODE].reason == OURS
    site.world.reports = True
    assert (await site.command("reimage")).accepted
    await site.tend()
    await site.command("approve", who="bob")
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert scheduler(site).nodes[NODE].open


async def test_a_cancelled_run_leaves_the_drain_that_a_failed_one_before_it_left() -> None:
    left = "bringup run lab.nb-1.c7 (reimage)"
    site = await serving("4711 of ann", reason=left)
    await approved(site)
    await site.command("cancel")
    assert (await site.until_settled()).open_run is None
    assert scheduler(site).nodes[NODE].reason == left


async def test_a_node_that_the_scheduler_does_not_know_parks_where_it_was_in_service_and_not_where_it_never_was() -> (
    None
):
    site = await serving()
    scheduler(site).nodes.clear()
    view = await approved(site)
    assert (view.status.state, site.world.wipes) == (NodeState.PARKED, 1)
    assert "knows no node" in view.status.reason
    fresh = Site(scheduler=MemoryScheduler())
    await fresh.want()
    assert (await fresh.tend()).status.state is NodeState.IN_SERVICE


async def test_a_node_that_was_never_accepted_but_runs_jobs_is_not_stopped() -> None:
    site = Site(scheduler=MemoryScheduler())
    scheduler(site).know(NODE, "4711 of ann")
    await site.want()
    view = await site.tend()
    assert (view.status.state, view.status.step, site.world.writes) == (NodeState.WAITING, "confirm_idle", 0)


async def test_a_scheduler_out_of_reach_is_a_visible_wait_then_a_persons_matter() -> None:
    site = await serving()
    scheduler(site).down = True
    view = await approved(site)
    assert view.status.next_action == "bringup tries drain again by itself"
    view = await site.until_settled(hours=2)
    assert (view.status.state, site.world.wipes) == (NodeState.PARKED, 1)
    scheduler(site).down = False
    assert (await site.command("retry")).accepted
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE


async def test_a_forced_run_says_so_and_takes_a_second_person_whatever_the_site_says() -> None:
    site = await serving("4711 of ann")
    assert (await site.command("reimage", FORCED, who="ann")).accepted
    view = await site.tend()
    assert "FORCED by ann: running jobs are killed" in view.status.reason
    refused = await site.command("approve", who="ann")
    assert not refused.accepted
    assert "another person" in refused.nodes[0].text
    assert (await site.command("approve", who="bob")).accepted
    view = await site.tend()
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 2), view.status.reason


async def test_a_forced_run_needs_no_scheduler_that_answers() -> None:
    site = await serving()
    await site.command("reimage", FORCED, who="ann")
    await site.tend()
    await site.command("approve", who="bob")
    scheduler(site).down = True
    view = await site.tend()
    assert (view.status.step, site.world.wipes) == ("return_to_service", 2)


async def test_force_belongs_to_a_destructive_command() -> None:
    site = await serving()
    outcome = await site.command("cancel", FORCED)
    assert not outcome.accepted
    assert "can't be forced" in outcome.text


async def test_where_nobody_named_a_scheduler_the_approver_reads_that_nobody_checked() -> None:
    for kind, said in ((SchedulerKind.UNKNOWN, True), (SchedulerKind.NONE, False)):
        site = await serving(settings=SETTINGS.model_copy(update={"scheduler": kind}))
        site.scheduler = None
        await site.command("reimage")
        view = await site.tend()
        assert ("nobody checked for running jobs" in view.status.reason) == said
        await site.command("approve", who="bob")
        assert (await site.tend()).status.state is NodeState.IN_SERVICE


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
@pytest.mark.parametrize("point", range(1, 80, 3))
async def test_killed_anywhere_in_a_reimage_the_drain_is_taken_back_once_it_is_proven(point: int, fault: Fault) -> None:
    site = await serving()
    await site.command("reimage")
    await site.tend()
    await site.command("approve", who="bob")
    try:
        await site.tend(site.worker(effects=Effects(at=point, fault=fault)))
    except (Killed, Fenced, Unreachable):
        await site.clock.advance(TTL_PASSED)
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert (site.world.wipes, scheduler(site).nodes[NODE].open) == (2, True)
