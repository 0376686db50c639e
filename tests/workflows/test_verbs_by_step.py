"""Cancel, hold, unhold and retry at every step of every workflow, between its acts and within it, waiting and parked.

A worker is killed right after it wrote an entry, so the run stands exactly there when the verb comes; what the world did by
then stays done. ``invariants`` are looked at after each.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.safety.drives import Scenario
from tests.safety.invariants import unrest, violations
from tests.workflows.site import Site
from tests.workflows.stages import STARTS, stages, stopped
from workflows.engine.claim import Claim
from workflows.engine.lease import Lease
from workflows.engine.look import View
from workflows.engine.standing import FITS, Standing, of_node
from workflows.model.command import Verb
from workflows.model.journal import Kind, Phase
from workflows.model.status import NodeState

#: Virtual time from the verb to its effect where nothing hinders it.
BOUND = timedelta(minutes=2)
_NEVER = 1 << 30


async def say(site: Site, kind: Kind, **fields: object) -> None:
    """What a step's worker writes that waits for the world, or asks a person."""
    lease = await Lease.acquire(site.store, site.clock, site.wish.node, "w2")
    assert lease is not None
    view = await site.view()
    assert view.open_run is not None
    claim = Claim(site.store, site.bus, site.clock, lease, view.open_run, view.status, site.worker().observer)
    await claim.begin()
    deadline = site.clock.now() + timedelta(hours=2)
    await claim.append(kind, reason="as the test says", next_action="retry or cancel", deadline=deadline, **fields)
    await lease.release()


async def left_alone(site: Site) -> None:
    """Nothing is told; the run stands where its worker died."""


async def waits(site: Site) -> None:
    """The run waits for the world, for an hour."""
    await say(site, Kind.WAITING, due_at=site.clock.now() + timedelta(hours=1))


async def parks(site: Site) -> None:
    """The run asks a person."""
    await say(site, Kind.PARKED)


async def ended(site: Site) -> View:
    """The node when it is at rest, within the bound; a person approves what the run asks."""
    end = site.clock.now() + BOUND
    while site.clock.now() < end:
        view = await site.tend(site.worker("successor"))
        if of_node(view) is Standing.APPROVAL:
            await site.command("approve", who="bob")
        elif view.open_run is None:
            broken = await violations(site.store, site.world) + await unrest(site.store, site.world, hindered=False)
            assert not broken, broken
            return view
        else:
            await site.clock.advance(timedelta(seconds=10))
    raise AssertionError(f"not at rest within {BOUND}: {(await site.view()).status}")


async def cancel(site: Site) -> None:
    """Ended as cancelled, and nothing dangerous was done after it."""
    wipes, plays = site.world.wipes, site.world.plays
    assert (await site.command("cancel")).accepted
    view = await ended(site)
    assert (view.status.outcome, site.world.wipes, site.world.plays) == ("cancelled", wipes, plays)


async def hold_and_unhold(site: Site) -> None:
    """Held at once and for as long as a person likes, with nothing done meanwhile; then it ends as if it had not been."""
    assert (await site.command("hold")).accepted
    done = site.world.wipes, site.world.boots, site.world.plays, site.world.writes
    for _ in range(3):
        assert (await site.tend(site.worker("successor"))).status.state is NodeState.HELD
        await site.clock.advance(timedelta(minutes=20))
    assert (site.world.wipes, site.world.boots, site.world.plays, site.world.writes) == done
    assert (await site.command("unhold")).accepted
    if of_node(await site.tend(site.worker("successor"))) is Standing.FAULT:
        assert (await site.command("retry")).accepted
    view = await ended(site)
    assert (view.status.state, view.status.outcome) == (NodeState.IN_SERVICE, "succeeded")


async def retry(site: Site) -> None:
    """Goes on where it parked, and ends well."""
    assert (await site.command("retry")).accepted
    view = await ended(site)
    assert (view.status.state, view.status.outcome) == (NodeState.IN_SERVICE, "succeeded")


type Act = Callable[[Site], Awaitable[None]]
CASES: tuple[tuple[Act, Act], ...] = (
    (left_alone, cancel),
    (left_alone, hold_and_unhold),
    (waits, cancel),
    (waits, hold_and_unhold),
    (parks, cancel),
    (parks, hold_and_unhold),
    (parks, retry),
)


@pytest.mark.fast
def test_the_cases_are_every_verb_that_fits_there() -> None:
    names = {Verb.CANCEL: cancel, Verb.HOLD: hold_and_unhold, Verb.UNHOLD: hold_and_unhold, Verb.RETRY: retry}
    for standing, before in ((Standing.WORKING, left_alone), (Standing.WORKING, waits), (Standing.FAULT, parks)):
        assert {names[verb] for verb in FITS[standing]} == {verb for situation, verb in CASES if situation is before}


@pytest.mark.search
@pytest.mark.parametrize(("situation", "verb"), CASES, ids=lambda act: act.__name__)
@pytest.mark.parametrize("scenario", [s for s in STARTS if not s.rare], ids=str)
async def test_a_verb_takes_effect_at_every_step(scenario: Scenario, situation: Act, verb: Act) -> None:
    for (step, phase), effect in (await stages(scenario)).items():
        if situation is not left_alone and phase is Phase.READY:
            continue  # what a step waits for or asks, it does within
        site = await stopped(scenario, effect)
        try:
            await situation(site)
            await verb(site)
        except AssertionError as error:
            raise AssertionError(f"{scenario} at {step}, {phase}, {situation.__name__}: {error}") from error


def _deaf(site: Site) -> None:
    site.world.ignores_power = _NEVER


def _forgets_the_override(site: Site) -> None:
    site.world.ignores_boot = _NEVER


def _unreachable(site: Site) -> None:
    site.world.reachable = False


@pytest.mark.fast
@pytest.mark.parametrize(
    ("step", "hinder"), [("power_off", _deaf), ("set_boot", _forgets_the_override), ("reach", _unreachable)]
)
@pytest.mark.parametrize(("verb", "phase"), [("hold", Phase.HELD), ("cancel", Phase.FINISHED)])
async def test_a_step_that_looks_again_and_again_is_stopped_between_two_looks(
    step: str, hinder: Callable[[Site], None], verb: str, phase: Phase
) -> None:
    site = Site()
    hinder(site)
    await site.want()
    work = asyncio.ensure_future(site.worker().tend(site.wish.node))
    await site.clock.advance(timedelta(seconds=20))
    before = await site.view()
    assert (before.status.step, before.state.phase) == (step, Phase.ACTING)
    assert (await site.command(verb)).accepted
    await site.clock.advance(timedelta(seconds=10))
    assert (await site.view()).state.phase is phase
    assert work.done()
    await work
