"""Rows 2 and 19: the proof boot happens once, from this grant's disk, without the network; a crash in it repeats nothing."""

import asyncio
from datetime import timedelta

import pytest

from boot.served_log import record_script
from boot.token import Claim
from tests.fakes.effects import Effects, Fault, Killed
from tests.fakes.world import Installed
from tests.workflows.site import TTL_PASSED, Site
from workflows.model.served import Script
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def number_of_power_on() -> int:
    """The number of the power-on of the proof boot, the last of a provision."""
    site, effects = Site(), Effects(at=0, fault=Fault.KILL_BEFORE)
    await site.want()
    await site.tend(site.worker(effects=effects))
    return max(number for number, name in enumerate(effects.names, 1) if name.startswith("bmc power on"))


async def paused_after_power_on(site: Site) -> tuple[Effects, "asyncio.Task[None]"]:
    """A worker that stands still, its lease alive, right after the proof boot was asked for."""
    effects = Effects(at=await number_of_power_on(), fault=Fault.PAUSE_AFTER)
    await site.want()
    work = asyncio.ensure_future(site.worker(effects=effects).tend(site.wish.node))
    while not effects.paused:
        await site.clock.advance(timedelta(seconds=1))
    return effects, work


async def test_a_proof_boot_that_happened_before_the_crash_is_not_done_again() -> None:
    site = Site()
    await site.want()
    with pytest.raises(Killed):
        await site.tend(site.worker(effects=Effects(at=await number_of_power_on(), fault=Fault.KILL_AFTER)))
    await site.clock.advance(TTL_PASSED)
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    assert site.world.boots == 2


async def test_a_node_that_still_runs_the_boot_before_is_not_proven() -> None:
    site = Site()
    effects, work = await paused_after_power_on(site)
    site.world.boots -= 1  # the power-off never happened: it is the same boot
    effects.resume()
    await site.clock.advance(timedelta(minutes=1))
    assert (await site.view()).status.step == "reboot"
    work.cancel()
    await asyncio.wait((work,))


async def test_a_node_that_was_served_the_agents_script_meanwhile_fails() -> None:
    site = Site()
    effects, work = await paused_after_power_on(site)
    claim = Claim("lab.nb-1", "g1", 1)
    await record_script(site.store, "lab.nb-1", Script.AGENT, claim, site.clock.now())
    effects.resume()
    await site.clock.run(asyncio.wait_for(work, None))
    view = await site.view()
    assert (view.status.outcome, "agent's script" in view.status.reason) == ("failed", True)


async def test_a_node_that_runs_from_another_file_system_than_the_grants_fails() -> None:
    site = Site()
    effects, work = await paused_after_power_on(site)
    assert site.world.installed is not None
    site.world.installed = Installed("old", "an-older-install", site.world.installed.host_key)
    effects.resume()
    await site.clock.run(asyncio.wait_for(work, None))
    view = await site.view()
    assert (view.status.outcome, "an-older-install" in view.status.reason) == ("failed", True)
