"""The driver of Slurm where its commands misbehave; and a whole re-image against a real Slurm with a real running job."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.slurm import SILENT, LabSlurm
from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.drivers.scheduler.slurm import Slurm
from workflows.engine.look import View
from workflows.engine.ports import Power
from workflows.model.errors import Refused, Unreachable
from workflows.model.settings import Mode, SchedulerKind, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.real

SETTINGS = SiteSettings(site="lab", mode=Mode.AUTOMATIC, scheduler=SchedulerKind.SLURM)


@pytest.fixture
async def slurm() -> AsyncIterator[LabSlurm]:
    """A real one, whose node is ``gpu-001``."""
    if os.geteuid() != 0 or shutil.which("slurmctld") is None:
        pytest.skip("a real Slurm needs root and the Debian packages slurmctld, slurmd, slurm-client, munge")
    async with LabSlurm() as lab:
        yield lab


async def reimaging(slurm: LabSlurm) -> Site:
    """A node in service whose approved re-image has come as far as Slurm lets it."""
    site = Site(settings=SETTINGS)
    await site.want()
    await site.tend()
    await site.want(desired(status="active"))
    site.scheduler = Slurm(environment=slurm.environment)
    await site.command("reimage")
    await look_again(site)
    assert (await site.command("approve", who="bob")).accepted
    await look_again(site)
    return site


async def look_again(site: Site) -> View:
    """A worker's look, and half an hour; Slurm has its own time, in which a second of the worker's takes 50 ms."""
    look = asyncio.ensure_future(site.worker().tend(site.wish.node))
    while not (await asyncio.wait((look,), timeout=0.05))[0]:
        await site.clock.advance(timedelta(seconds=1))
    look.result()
    await site.clock.advance(timedelta(minutes=30))
    return await site.view()


async def until_over(site: Site) -> View:
    for _ in range(300):
        view = await look_again(site)
        if view.open_run is None:
            return view
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {view.status.step}: {view.status.reason}")


async def test_a_running_job_ends_by_itself_before_the_wipe_and_the_node_is_given_back(slurm: LabSlurm) -> None:
    job = await slurm.job(5)
    site = await reimaging(slurm)
    view = await site.view()
    assert (view.status.step, site.world.wipes, site.world.power) == ("confirm_idle", 1, Power.ON)
    assert f"job {job} of root" in view.status.reason
    assert (await slurm.state()).startswith("draining bringup run lab.nb-1.c101")
    view = await until_over(site)
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 2), view.status.reason
    assert "JobState=COMPLETED" in await slurm.ask("scontrol", "show", "job", job)
    assert (await slurm.state()).split()[0] in ("idle", "idle*")


async def test_cancelled_the_job_runs_on_and_the_node_takes_new_ones(slurm: LabSlurm) -> None:
    job = await slurm.job(300)
    site = await reimaging(slurm)
    await site.command("cancel")
    view = await until_over(site)
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 1)
    assert (await slurm.state()).startswith("allocated")
    assert "JobState=RUNNING" in await slurm.ask("scontrol", "show", "job", job)


async def test_a_node_that_an_administrator_drained_stays_drained(slurm: LabSlurm) -> None:
    await slurm.ask("scontrol", "update", f"nodename={slurm.node}", "state=drain", "reason=bad fan")
    view = await until_over(await reimaging(slurm))
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert await slurm.state() == "drained bad fan"


async def test_our_drain_outlives_a_node_that_is_off_and_boots_again(slurm: LabSlurm) -> None:
    scheduler, ours = Slurm(environment=slurm.environment), "bringup run lab.nb-1.c7 (reimage)"
    await scheduler.drain(desired(), ours)
    await slurm.silence()
    await slurm.serve("-b")
    duty = await scheduler.duty(desired())
    assert duty is not None
    assert (duty.open, duty.reason) == (False, ours)
    silent = await scheduler.duty(desired(SILENT))
    assert silent is not None
    assert not silent.present


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("sleep 60", Unreachable, "did not end within"),
        ("echo Unable to contact slurm controller >&2; exit 1", Unreachable, "Unable to contact"),
        ("echo nonsense", Refused, "named no state"),
    ],
)
async def test_slurm_that_can_not_be_asked_is_no_idle_node(
    tmp_path: Path, script: str, error: type[Exception], words: str
) -> None:
    program = tmp_path / "instead"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    with pytest.raises(error, match=words):
        await Slurm(command_prefix=(str(program),), timeout=timedelta(seconds=0.5)).duty(desired())
    with pytest.raises(Unreachable, match="can't be started"):
        await Slurm(command_prefix=(str(tmp_path / "missing"),)).duty(desired())


async def test_a_node_that_is_busy_by_its_state_alone_is_busy(tmp_path: Path) -> None:
    program = tmp_path / "instead"
    program.write_text('#!/bin/sh\n[ "$1" = squeue ] || echo "   State=DOWN*+DRAIN+COMPLETING ThreadsPerCore=1"\n')
    program.chmod(0o700)
    duty = await Slurm(command_prefix=(str(program),)).duty(desired())
    assert duty is not None
    assert (len(duty.jobs), duty.open, duty.present) == (1, False, False)
