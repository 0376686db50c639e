"""Row 14, law 7: what a released version stored is gone on with by today's code, or parks with a reason."""

import json
from pathlib import Path

import pytest

from tests.golden.sets import HERE, Golden, at_rest
from tests.golden.write import AT
from tests.project.tree import ROOT
from tests.safety.invariants import violations
from tests.workflows.site import Site
from tests.workflows.stages import STARTS, stages, stopped
from workflows.catalog import STEPS, WORKFLOWS
from workflows.model.errors import BadInput
from workflows.model.journal import Phase
from workflows.model.run import Run
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

FILES = sorted(HERE.glob("*/*.jsonl"))


async def in_mid_run(workflow: str) -> Site:
    """A run of today's workflow, whose worker was stopped while it switched the machine off."""
    scenario = next(s for s in STARTS if s.name == workflow)
    return await stopped(scenario, (await stages(scenario))["power_off", Phase.ACTING])


async def rewritten(site: Site, key: str, **fields: object) -> None:
    """Other fields in the newest record whose key begins so."""
    value = [v for v in await site.store.list(">") if v.key.startswith(key)][-1]
    data = json.dumps(json.loads(value.data or b"{}") | fields).encode()
    await site.store.put(value.key, data, expect=value.seq)


def test_there_is_a_set_and_it_has_each_workflow() -> None:
    names = {path.stem for path in FILES}
    assert set(AT) == set(WORKFLOWS)
    assert names >= {f"{workflow}-finished" for workflow in WORKFLOWS}


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
async def test_a_run_of_an_earlier_version_ends_as_it_would_have_or_parks_with_a_reason(path: Path) -> None:
    golden = Golden.read(path)
    site = await golden.site()
    ends = await at_rest(site)
    runs = [Run.decode(v.data or b"") for v in await site.store.list("run.>")]
    changed = (
        [s.name for s in runs[-1].steps if s.name not in STEPS or STEPS[s.name].version != s.version] if runs else []
    )
    status = (await site.view()).status
    if ends != golden.head["ends"]:
        assert status.state is NodeState.PARKED, status
        assert any(f"step {name} is" in status.reason for name in changed), status
    assert await violations(site.store, site.world) == []


@pytest.mark.parametrize("key", ["desired.", "request.", "run.", "journal.", "status."])
async def test_a_record_of_a_newer_version_is_refused_by_name_and_nothing_is_done(key: str) -> None:
    """Going back to an older version in mid-run: it does nothing with what it half understands."""
    site = await in_mid_run("reimage")
    await rewritten(site, key, from_the_future=1)
    before, writes = await site.store.list(">"), site.world.writes
    with pytest.raises(BadInput, match="from_the_future"):
        await site.tend()
    assert ([v for v in await site.store.list(">") if v not in before], site.world.writes) == ([], writes)


async def test_an_entry_of_a_kind_that_only_a_newer_version_knows_is_refused() -> None:
    site = await in_mid_run("provision")
    await rewritten(site, "journal.", kind="dreamt")
    with pytest.raises(BadInput, match="kind"):
        await site.tend()
    assert site.world.writes == 0


async def test_a_key_that_only_a_newer_version_knows_is_left_alone() -> None:
    site = await in_mid_run("provision")
    await site.store.put("dreams.lab.nb-1", b"of a newer version", expect=0)
    assert await at_rest(site) == {"state": NodeState.IN_SERVICE, "outcome": "succeeded", "wipes": 1}
    assert (await site.store.get("dreams.lab.nb-1")).data == b"of a newer version"


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("configure", 99, f"step configure is version {STEPS['configure'].version} here"),
        ("polish", 1, "step polish is not known to this worker"),
    ],
)
async def test_a_run_whose_steps_are_not_todays_parks_before_the_first_that_is_not_and_can_be_ended(
    name: str, version: int, says: str
) -> None:
    site = await in_mid_run("provision")
    run = (await site.view()).run
    assert run is not None
    wanted = [(name, version) if s.name == "configure" else (s.name, s.version) for s in run.steps]
    await rewritten(site, "run.", steps=[{"name": n, "version": v} for n, v in wanted])
    view = await site.tend()
    assert (view.status.state, view.status.step, site.world.wipes) == (NodeState.PARKED, name, 1)
    assert says in view.status.reason
    assert "cancel" in view.status.next_action
    assert (await site.command("cancel")).accepted
    assert (await site.until_settled()).status.outcome == "cancelled"


def test_the_page_says_how_a_set_is_written() -> None:
    assert "python -m tests.golden.write" in (ROOT / "docs" / "upgrades.md").read_text()
