"""``bringup evidence``: one file of a node's newest burn-in, also and above all of one that was refused."""

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.reports import pages
from frontends.cli.evidence import add_evidence
from frontends.evidence import gather
from frontends.read_model import one_node
from frontends.site import ConnectedSite
from tests.workflows.site import Site
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Refused
from workflows.model.verdict import Action, BurnInReport, Check, Part, Verdict

pytestmark = pytest.mark.fast


async def _judged(verdict: Verdict) -> tuple[Site, ConnectedSite]:
    """A site whose node has been through its burn-in, with one raw output kept."""
    site = Site()
    raw = await site.evidence.put(b"raw output")
    part = Part(name="GPU 7", place="0000:ca:00.0", serial="165", aliases=("GPU-7",))
    check = Check(
        id="gpu.remap.failure", entity="GPU-7", verdict=verdict, action=Action.RMA, message="is Yes", evidence=raw
    )

    async def judge(_desired: Desired, _bundles: dict[str, bytes]) -> BurnInReport:
        return BurnInReport(level="gate", checks=(check,), parts=(part,))

    site.world.judge = judge  # type: ignore[method-assign]
    await site.want()
    await site.tend()
    return site, ConnectedSite(site.store, site.bus, site.clock, site.evidence, site.settings, "ann")


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.PASS])
async def test_the_bundle_holds_the_report_and_each_raw_output_by_its_hash(verdict: Verdict) -> None:
    """Of a run that accepted, and of one that refused: its hash stands in the journal either way."""
    _, site = await _judged(verdict)
    bundle = await gather(site, await one_node(site.store, "lab", "gpu-001"), pages(), rma=False)
    (raw,) = [name for name in bundle.files if name.startswith("evidence/")]
    assert bundle.files[raw] == b"raw output"
    assert json.loads(bundle.files["report.json"])["accepted"] is (verdict is Verdict.PASS)
    assert b"GPU 7 (0000:ca:00.0, serial 165, GPU-7)" in bundle.files["report.html"] or verdict is Verdict.PASS
    assert "log.txt" not in bundle.files


async def test_for_a_repair_it_names_the_part_and_brings_journal_and_log() -> None:
    """What goes with the part that is sent in."""
    _, site = await _judged(Verdict.FAIL)
    bundle = await gather(site, await one_node(site.store, "lab", "gpu-001"), pages(), rma=True)
    assert {"journal.txt", "log.txt", "report.html", "README.txt"} <= set(bundle.files)
    readme = bundle.files["README.txt"].decode()
    assert "RMA: GPU 7, 0000:ca:00.0, serial 165: gpu.remap.failure: is Yes" in readme
    assert b"burn_in" in bundle.files["journal.txt"]
    with tarfile.open(fileobj=io.BytesIO(bundle.packed(0))) as archive:
        assert all(m.name.startswith(f"{bundle.name}/") and m.mode == 0o600 for m in archive)
    assert bundle.packed(0) == bundle.packed(0)


async def test_evidence_that_is_gone_is_named_and_the_rest_is_there() -> None:
    """Kept for so long only."""
    memory, site = await _judged(Verdict.FAIL)

    class Forgetful:
        async def put(self, data: bytes) -> str:
            return await memory.evidence.put(data)

        async def get(self, sha256: str) -> bytes:
            data = await memory.evidence.get(sha256)
            if data == b"raw output":
                raise Refused(f"no evidence {sha256} is kept here")
            return data

    forgetful = ConnectedSite(site.store, site.bus, site.clock, Forgetful(), site.settings, "ann")
    bundle = await gather(forgetful, await one_node(site.store, "lab", "gpu-001"), pages(), rma=False)
    assert "Missing: no evidence" in bundle.files["README.txt"].decode()
    assert "report.html" in bundle.files


async def test_a_node_that_was_never_judged_has_none() -> None:
    """Said, not an empty file."""
    site = Site()
    await site.want()
    connected = ConnectedSite(site.store, site.bus, site.clock, site.evidence, site.settings, "ann")
    with pytest.raises(BadInput, match="no run yet"):
        await gather(connected, await one_node(site.store, "lab", "gpu-001"), pages(), rma=False)


def test_the_command_writes_a_file_of_its_owner_once(tmp_path: Path) -> None:
    """It holds serials and logs; a second time it is there already."""
    _, site = asyncio.run(_judged(Verdict.FAIL))

    @asynccontextmanager
    async def open_site() -> AsyncIterator[ConnectedSite]:
        yield site

    cli = typer.Typer()
    cli.callback()(lambda: None)
    add_evidence(cli, open_site, pages)
    asked = ["evidence", "gpu-001", "--rma", "--out", str(tmp_path)]
    first = CliRunner().invoke(cli, asked)
    assert first.exit_code == 0, first.output
    (path,) = tmp_path.iterdir()
    assert path.name == "gpu-001-g1-rma.tar.xz"
    assert path.stat().st_mode & 0o777 == 0o600
    again = CliRunner().invoke(cli, asked)
    assert isinstance(again.exception, Refused)
    assert "there already" in str(again.exception)
