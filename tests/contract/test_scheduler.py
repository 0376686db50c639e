"""One contract for all schedulers: memory, a real Slurm with real jobs, and the driver of Kubernetes on a stand-in."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from lab.memory import MemoryScheduler
from lab.slurm import LabSlurm
from tests.fakes.kubernetes import TOKEN, KubernetesStandIn
from tests.workflows.samples import desired
from workflows.drivers.scheduler.kubernetes import Kubernetes
from workflows.drivers.scheduler.slurm import Slurm
from workflows.engine.ports import Duty, Scheduler

OURS, OTHERS = "bringup run lab.nb-1.c7 (reimage)", "bringup run lab.nb-1.c5 (reimage)"
NODE = desired()


@dataclass(frozen=True)
class Backend:
    """A scheduler with an idle node, and what its users and administrators do."""

    scheduler: Scheduler
    start: Callable[[], Awaitable[object]]
    end: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[object]]

    async def duty(self) -> Duty:
        duty = await self.scheduler.duty(NODE)
        assert duty is not None
        return duty

    async def until_idle(self) -> Duty:
        for _ in range(300):
            if not (duty := await self.duty()).jobs:
                return duty
            await asyncio.sleep(0.1)
        raise AssertionError(duty)


async def _memory() -> AsyncIterator[Backend]:
    known = MemoryScheduler()
    known.know(NODE.node)

    async def jobs(*running: str) -> None:
        known.know(NODE.node, *running, reason=known.nodes[NODE.node].reason)

    async def close() -> None:
        known.know(NODE.node, reason="bad fan")

    yield Backend(known, lambda: jobs("job 1"), jobs, close)


async def _slurm() -> AsyncIterator[Backend]:
    async with LabSlurm() as lab:
        yield Backend(
            Slurm(environment=lab.environment),
            lambda: lab.job(300),
            lambda: lab.ask("scancel", "--full", "--me"),
            lambda: lab.ask("scontrol", "update", f"nodename={lab.node}", "state=drain", "reason=bad fan"),
        )


async def _kubernetes() -> AsyncIterator[Backend]:
    cluster = KubernetesStandIn()
    cluster.node("gpu-001")

    async def start() -> None:
        cluster.pod("train", "gpu-001", "Job")

    async def end() -> None:
        cluster.pods["train"]["status"]["phase"] = "Succeeded"

    async def close() -> None:
        cluster.cordon("gpu-001")

    async with cluster.serving():
        yield Backend(Kubernetes(cluster.url, lambda: TOKEN), start, end, close)


_KINDS = {"memory": _memory, "slurm": _slurm, "kubernetes": _kubernetes}


@pytest.fixture(
    params=[
        pytest.param("memory", marks=pytest.mark.fast),
        pytest.param("slurm", marks=pytest.mark.real),
        pytest.param("kubernetes", marks=pytest.mark.real),
    ]
)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """One scheduler with one idle node."""
    if request.param == "slurm" and (os.geteuid() != 0 or shutil.which("slurmctld") is None):
        pytest.skip("a real Slurm needs root and the Debian packages slurmctld, slurmd, slurm-client, munge")
    async for one in _KINDS[request.param]():
        yield one


async def test_a_job_outlives_a_drain_that_only_we_take_back(backend: Backend) -> None:
    assert await backend.duty() == Duty()
    await backend.start()
    await backend.scheduler.drain(NODE, OURS)
    duty = await backend.duty()
    assert (len(duty.jobs), duty.open, duty.reason) == (1, False, OURS)
    await backend.scheduler.drain(NODE, OTHERS)
    await backend.scheduler.resume(NODE, OTHERS)
    assert (await backend.duty()).reason == OURS, "another run's word changes nothing"
    assert (await backend.duty()).jobs == duty.jobs, "nothing here ends a job"
    await backend.end()
    assert (await backend.until_idle()).reason == OURS
    await backend.scheduler.resume(NODE, OURS)
    assert (await backend.duty()).open


async def test_what_an_administrator_closed_is_never_renamed_and_never_opened(backend: Backend) -> None:
    await backend.close()
    before = await backend.duty()
    assert not before.open
    await backend.scheduler.drain(NODE, OURS)
    await backend.scheduler.resume(NODE, OURS)
    assert await backend.duty() == before


async def test_a_node_that_it_does_not_know_is_none_and_closing_it_changes_nothing(backend: Backend) -> None:
    stranger = desired("gpu-777")
    assert await backend.scheduler.duty(stranger) is None
    await backend.scheduler.drain(stranger, OURS)
    await backend.scheduler.resume(stranger, OURS)
