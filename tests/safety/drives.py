"""A whole drive of a node by workers that are killed, paused or cut off one after the other, until it comes to rest.

A *scenario* is one workflow from its start: what stands in the store before, and the persons who answer what the run asks.
The first worker works until its fault hits it, then the next one, and the last is left in peace.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.fakes.effects import Effects, Fault, Killed
from tests.safety.invariants import unrest, violations
from tests.workflows.samples import BASELINED, desired
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.look import View
from workflows.engine.ports import Power
from workflows.model.errors import BringupError, Fenced, Unreachable
from workflows.model.journal import Kind
from workflows.model.profile import BootWay
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState
from workflows.steps.deploy import COMES_WITHIN

_LOOKS = 200
_NEVER = 1 << 30
_BETWEEN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class End:
    """How a drive ended, as its users see it."""

    state: NodeState
    outcome: str
    workflow: str
    wipes: int
    flashed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One workflow from its start. ``writes_late``: a worker that was overtaken still has something to ask of the BMC.

    ``rare``: `make test` hits it at a sample of its points only, `make prove` at each.
    ``rests``: how its run waits on the way, where it does even if nobody is hit.
    """

    name: str
    prepare: Callable[[], Awaitable[Site]]
    writes_late: bool = True
    rare: bool = False
    rests: Kind | None = None

    def __str__(self) -> str:
        return self.name


async def _provision() -> Site:
    site = Site()
    await site.want()
    return site


async def _reimage() -> Site:
    site = Site()
    await site.want()
    await site.tend()
    await site.want(desired(status="active"))
    await site.command("reimage")
    return site


async def _adopt() -> Site:
    site = Site(wish=desired(status="active"), settings=SiteSettings(site="lab"))
    await site.want()
    await site.tend()
    await site.command("adopt")
    return site


async def _supervised() -> Site:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED))
    await site.want()
    return site


async def _cancelled_while_it_writes() -> Site:
    site = Site()
    site.world.writing = timedelta(minutes=20)
    await site.want()
    await site.tend()
    await site.clock.advance(timedelta(minutes=1))
    await site.command("cancel")
    return site


async def _rma() -> Site:
    site = Site(wish=desired(status="active"))
    await site.want()
    await site.command("adopt")
    await site.tend()
    site.world.serial = "SN1-NEW-BOARD"
    await site.command("rma")
    return site


async def _firmware() -> Site:
    site = Site(wish=desired(status="active", profile=BASELINED))
    await site.want()
    await site.command("adopt")
    await site.tend()
    await site.command("firmware")
    return site


async def _power_lost_while_it_writes() -> Site:
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    site.world.pull_the_plug()
    site.world.reports = True
    await site.clock.advance(timedelta(minutes=5))
    return site


async def _never_comes_by_the_first_way() -> Site:
    site = Site()
    site.world.deaf_to = (BootWay.HTTP,)
    await site.want()
    await site.tend()
    await site.clock.advance(COMES_WITHIN + timedelta(minutes=1))
    return site


SCENARIOS = (
    Scenario("provision", _provision),
    Scenario("provision-supervised", _supervised, rests=Kind.PARKED),
    Scenario("reimage", _reimage, rests=Kind.PARKED),
    Scenario("adopt", _adopt, writes_late=False),
    Scenario("rma", _rma, rare=True, rests=Kind.PARKED),
    Scenario("firmware", _firmware, rare=True, rests=Kind.PARKED),
    Scenario("cancel-while-writing", _cancelled_while_it_writes, writes_late=False, rests=Kind.WAITING),
    Scenario("power-lost-while-writing", _power_lost_while_it_writes, rests=Kind.WAITING),
    Scenario("sent-by-the-next-way", _never_comes_by_the_first_way, rare=True),
)


async def undisturbed(scenario: Scenario) -> tuple[tuple[Site, End], int]:
    """How it ends when nothing hits the worker, and how many effects that takes."""
    effects = Effects(at=_NEVER, fault=Fault.KILL_BEFORE)
    return await driven(scenario, [effects]), effects.seen


async def driven(scenario: Scenario, faults: Sequence[Effects] = ()) -> tuple[Site, End]:
    """Drive a scenario through these faults to its end; paused workers go on after it, the last one first.

    Raises:
        AssertionError: a promise was broken on the way, or it never came to rest.
    """
    site = await scenario.prepare()
    zombies = []
    for number, effects in enumerate(faults):
        task = asyncio.ensure_future(_work(site, f"w{number}", effects))
        while not task.done() and not effects.paused:
            await site.clock.advance(TTL_PASSED / 10)
        if effects.paused:
            zombies.append((effects, task))
        else:
            await task
        await site.clock.advance(TTL_PASSED)
    view = await _finish(site)
    for effects, task in reversed(zombies):
        effects.resume()
        while not task.done():
            await site.clock.advance(TTL_PASSED)
        await task
    broken = await violations(site.store, site.world) + await unrest(site.store, site.world, hindered=bool(zombies))
    if view.status.state is NodeState.IN_SERVICE and site.world.power is not Power.ON:
        broken.append("in service and off")
    assert not broken, "\n".join(broken)
    after = await site.view()
    assert after.status == view.status, "a worker that was overtaken changed what its successor had done"
    return site, End(view.status.state, view.status.outcome, view.status.workflow, site.world.wipes, _flashed(site))


def _flashed(site: Site) -> tuple[str, ...]:
    """Each firmware update that the simulated BMC began, in order."""
    return tuple(f"{update.component} {update.version}" for update in site.world.board.updates)


async def _work(site: Site, name: str, effects: Effects) -> None:
    """Look again and again until the fault has hit this worker, or nothing is left to do."""
    worker = site.worker(name, effects)
    for _ in range(_LOOKS):
        try:
            await worker.tend(site.wish.node)
        except (Killed, Fenced):
            return
        except Unreachable:
            pass
        except BringupError as error:
            raise AssertionError(f"a worker ended by {error!r}") from error
        if effects.seen >= effects.at or not await _goes_on(site, await site.view()):
            return
        await site.clock.sleep(_BETWEEN)


async def _finish(site: Site) -> View:
    """Workers that nothing hits, until the node is at rest."""
    for _ in range(_LOOKS):
        view = await site.tend(site.worker("last"))
        if not await _goes_on(site, view):
            return view
        await site.clock.advance(_BETWEEN)
    raise AssertionError(f"it never came to rest: {(await site.view()).status}")


async def _goes_on(site: Site, view: View) -> bool:
    """Whether the node isn't at rest; a person answers what a parked run asks."""
    if view.open_run is None:
        return view.run is None or not view.stored.outcome or bool(view.status.follows)
    await site.write_back()
    if view.status.state is NodeState.PARKED:
        verb = "approve" if view.status.digest else "retry"
        outcome = await site.command(verb, who="bob")
        assert outcome.accepted, outcome
    return True
