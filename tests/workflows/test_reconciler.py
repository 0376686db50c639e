"""The reconciler strands nobody and disturbs nobody: what is due is woken, what is fine or held is left alone."""

import asyncio
import random
from datetime import timedelta

import pytest

from tests.fakes.effects import Effects, Fault, Killed
from tests.workflows.samples import desired
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.lease import Lease
from workflows.engine.reconciler import Reconciler
from workflows.model.errors import Fenced
from workflows.model.grant import Grant, GrantState, Report
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def woken(site: Site, during: timedelta) -> set[str]:
    """The nodes that a reconciler wakes meanwhile."""
    reconciler = Reconciler(site.store, site.bus, site.clock, random.Random(1))  # noqa: S311
    found: set[str] = set()

    async def listen() -> None:
        async for node in site.bus.wakes():
            found.add(node)

    tasks = [asyncio.ensure_future(listen())]
    await site.clock.advance(timedelta(0))
    found.clear()  # what the simulated machine itself had sent before
    tasks.append(asyncio.ensure_future(reconciler.serve()))
    await site.clock.advance(during)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


async def test_a_wish_that_nobody_looked_at_is_woken_without_any_message() -> None:
    site = Site()
    await site.want()
    assert await woken(site, timedelta(seconds=5)) == {"lab.nb-1"}


async def test_a_node_in_service_is_left_alone() -> None:
    site = Site()
    await site.want()
    assert (await site.tend()).status.state is NodeState.IN_SERVICE
    assert await woken(site, timedelta(minutes=5)) == set()


async def test_a_node_whose_holder_lives_is_left_alone_and_woken_once_its_lease_is_not_seen_for_a_ttl() -> None:
    site = Site()
    await site.want()
    lease = await Lease.acquire(site.store, site.clock, "lab.nb-1", "w1")
    assert lease is not None
    keeper = asyncio.ensure_future(lease.keep())
    assert await woken(site, timedelta(minutes=2)) == set()
    keeper.cancel()
    assert await woken(site, TTL_PASSED + timedelta(seconds=5)) == {"lab.nb-1"}


async def test_a_node_that_was_woken_while_its_lease_still_stood_is_woken_again_once_it_is_gone() -> None:
    site = Site()
    await site.want()
    lease = await Lease.acquire(site.store, site.clock, "lab.nb-1", "w1")
    assert lease is not None
    early = Reconciler(site.store, site.bus, site.clock, random.Random(1), lease_ttl=timedelta(seconds=5))  # noqa: S311
    serving = asyncio.ensure_future(early.serve())
    await site.clock.advance(timedelta(seconds=7))
    woken_first = early.nodes["lab.nb-1"].woken_at
    assert woken_first is not None
    await lease.release()
    await site.clock.advance(timedelta(seconds=2))
    assert early.nodes["lab.nb-1"].woken_at not in (None, woken_first)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_wait_is_woken_when_it_is_due_and_a_parked_run_only_by_a_person() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    assert (await site.tend()).status.state is NodeState.WAITING
    assert await woken(site, timedelta(minutes=1)) == set()
    assert await woken(site, timedelta(minutes=5)) == {"lab.nb-1"}
    parked = Site()
    parked.world.serial = "SOMEBODY-ELSE"
    await parked.want()
    assert (await parked.tend()).status.state is NodeState.PARKED
    assert await woken(parked, timedelta(hours=1)) == set()
    await parked.command("cancel")
    assert await woken(parked, timedelta(seconds=30)) == {"lab.nb-1"}


async def test_a_wait_for_a_grant_is_woken_when_the_grant_changed_though_the_wake_was_lost() -> None:
    site = Site()
    site.world.reports = False
    await site.want()
    assert (await site.tend()).status.state is NodeState.WAITING
    value = (await site.store.list("grant.>"))[-1]
    grant = Grant.decode(value.data or b"")
    assert grant.state is GrantState.TAKEN
    report = Report(ok=True, root_uuid=grant.image.root_uuid, host_key="ssh-ed25519 AAAA")
    reported = grant.to(GrantState.REPORTED, report=report.model_dump())
    await site.store.put(value.key, reported.encode(), expect=value.seq)
    assert await woken(site, timedelta(seconds=5)) == {"lab.nb-1"}
    assert (await site.tend()).state.result("deploy") is not None


async def test_a_first_sync_of_500_active_devices_starts_no_run_and_touches_no_bmc() -> None:
    site = Site()
    nodes = [desired(f"gpu-{n:03d}", status="active", node=f"lab.nb-{n}") for n in range(1, 501)]
    for node in nodes:
        await site.store.put(f"desired.{node.node}", node.encode(), expect=0)
    worker = site.worker()
    for node in nodes:
        await site.clock.run(worker.tend(node.node))
    assert await site.store.list("run.>") == []
    assert (site.world.writes, site.world.sessions) == (0, {})
    assert await woken(site, timedelta(minutes=2)) == set()


async def test_a_run_whose_worker_died_after_any_of_its_effects_is_woken_without_any_message() -> None:
    """Also between noting the command as considered and the first word about the run."""
    for number in range(1, 60):
        site = Site(wish=desired(status="active"))
        await site.want()
        await site.tend()
        await site.command("adopt")
        try:
            await site.tend(site.worker(effects=Effects(at=number, fault=Fault.KILL_AFTER)))
            return
        except (Killed, Fenced):
            pass
        view = await site.view()
        if view.open_run is not None or view.stored != view.status:
            assert await woken(site, TTL_PASSED + timedelta(seconds=15)) == {"lab.nb-1"}, number
    raise AssertionError("a whole adopt has fewer effects than that")
