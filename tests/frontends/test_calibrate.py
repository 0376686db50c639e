"""``bringup burn-in calibrate``: floors that a site's own accepted nodes support, in the form that its file takes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from app.burn_in import floors
from app.thresholds import site_thresholds
from frontends.cli.calibrate import add_calibrate
from frontends.site import ConnectedSite
from lab.memory import LocalClock, MemoryBus, MemoryEvidence, MemoryStore
from tests.workflows.samples import PROFILE, desired
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState, NodeStatus
from workflows.model.verdict import BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast
_H100 = PROFILE.model_copy(update={"sku": PROFILE.sku.model_copy(update={"gpu_model": "h100-sxm", "gpu_count": 8})})


async def _site(nodes: int) -> ConnectedSite:
    """So many accepted H100 nodes, one that nobody accepted, one without GPUs."""
    clock, evidence = LocalClock(), MemoryEvidence()
    store = MemoryStore(clock)
    for number in range(1, nodes + 3):
        name, accepted = f"gpu-{number:03d}", number <= nodes
        wish = desired(name, profile=PROFILE if number == nodes + 2 else _H100)
        await store.put(f"desired.{wish.node}", wish.encode(), expect=0)
        checks = tuple(
            Check(id="nvbandwidth.peer", entity=f"GPU {n}", verdict=Verdict.PASS, value=380.0 + number, unit="GB/s")
            for n in range(8)
        )
        report = await evidence.put(BurnInReport(level="quick", checks=checks).encode()) if accepted else ""
        status = NodeStatus(node=wish.node, label=name, state=NodeState.IN_SERVICE, report=report)
        await store.put(f"status.{wish.node}", status.encode(), expect=0)
    return ConnectedSite(store, MemoryBus("lab", clock), clock, evidence, SiteSettings(site="lab"), "ann")


def _calibrate(nodes: int, *more: str) -> Result:
    site = asyncio.run(_site(nodes))

    @asynccontextmanager
    async def open_site() -> AsyncIterator[ConnectedSite]:
        yield site

    cli = typer.Typer()
    cli.callback()(lambda: None)
    add_calibrate(cli, open_site, floors)
    return CliRunner().invoke(cli, ["calibrate", *more])


def test_what_is_proposed_is_a_file_that_the_site_can_use(tmp_path: Path) -> None:
    """The slowest of all parts, less 5 %, with the reason that each report will print."""
    said = _calibrate(5)
    assert said.exit_code == 0, said.output
    path = tmp_path / "thresholds.yaml"
    path.write_text(said.stdout)
    peer = site_thresholds(path)["h100-sxm"].peer_gbs
    assert peer is not None
    assert peer.value == pytest.approx(0.95 * 381, rel=1e-3)
    assert "slowest of 40 parts of 5 accepted nodes" in peer.reason
    assert "gpu-006: no accepted burn-in" in said.stderr
    assert "gpu-007: no GPUs" in said.stderr


def test_too_few_nodes_propose_nothing_and_say_so() -> None:
    """Four."""
    said = _calibrate(4, "--json")
    answer = json.loads(said.stdout)
    assert answer["thresholds"] == {}
    assert "h100-sxm: 4 accepted nodes: at least 5" in answer["passed_over"][-1]
    assert yaml.safe_load(_calibrate(4).stdout) == {}
