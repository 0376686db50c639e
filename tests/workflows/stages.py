"""Runs stopped where a test needs them: a worker is killed right after it wrote an entry, before a step or within it."""

from contextlib import suppress

from tests.fakes.effects import Effects, Fault, Killed
from tests.safety.drives import SCENARIOS, Scenario
from tests.safety.invariants import told
from tests.workflows.samples import desired
from tests.workflows.site import TTL_PASSED, Site
from workflows.engine.standing import Standing, of_node
from workflows.model.journal import Phase

_NEVER = 1 << 30


async def _reimage() -> Site:
    """As the scenario's, without the run that brought the node into service."""
    site = Site(wish=desired(status="active"))
    await site.want()
    await site.command("reimage")
    return site


#: Each workflow from its start.
STARTS = [s for s in SCENARIOS if s.name in ("provision", "adopt", "rma", "firmware")] + [Scenario("reimage", _reimage)]


async def stopped(scenario: Scenario, at: int) -> Site:
    """The site as a worker left it that was killed right after its effect number ``at``."""
    site = await scenario.prepare()
    worker = site.worker("w1", Effects(at=at, fault=Fault.KILL_AFTER))
    with suppress(Killed):
        while of_node(await site.tend(worker)) is Standing.APPROVAL:
            await site.command("approve", who="bob")
    await site.clock.advance(TTL_PASSED)
    return site


async def stages(scenario: Scenario) -> dict[tuple[str, Phase], int]:
    """The effect after which its run first stands before each of its steps, and within it."""
    effects = Effects(at=_NEVER, fault=Fault.KILL_AFTER)
    site = await scenario.prepare()
    worker = site.worker("w1", effects)
    while of_node(view := await site.tend(worker)) is Standing.APPROVAL:
        await site.command("approve", who="bob")
    assert view.run is not None
    each = (await told(site.store, site.wish.node))[view.run.cause]
    written = [n for n, effect in enumerate(effects.names, 1) if effect.startswith("append journal.")]
    found: dict[tuple[str, Phase], int] = {}
    for number, (_, value) in zip(written, each.entries, strict=True):
        state = each.at(value.seq)
        if state.phase in (Phase.READY, Phase.ACTING):
            found.setdefault((view.run.steps[state.step].name, state.phase), number)
    assert set(found) == {(step.name, phase) for step in view.run.steps for phase in (Phase.READY, Phase.ACTING)}
    return found
