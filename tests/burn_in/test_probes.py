"""Probes as they run on the node: what hangs, dies, prints without end or garbage leaves a record that says so."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import pytest

from burn_in.bundle import Bundle, read_bundle
from burn_in.probes import commands

pytestmark = pytest.mark.real
_CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A directory of stub programs that comes first on the node's PATH."""
    path = tmp_path / "tools"
    path.mkdir()
    return path


def _tool(tools: Path, name: str, script: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    (tools / name).chmod(0o755)


async def _probe(tools: Path, name: str, parameters: dict[str, object], seconds: float = 30) -> Bundle:
    path = tools.parent / "bundles.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-B", "-m", "burn_in.probes", str(path), str(seconds), name),
        stdin=asyncio.subprocess.PIPE,
        env={"PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": str(_CHECKOUT)},
    )
    await process.communicate(json.dumps(parameters).encode())
    assert process.returncode == 0
    return read_bundle(name, json.dumps(json.loads(path.read_bytes())[name]).encode())


async def test_gpu_probe_keeps_what_the_tool_said(tools: Path) -> None:
    """Output, exit status and error text, raw."""
    _tool(tools, "nvidia-smi", "echo '<xml/>'; echo broken >&2; exit 9")
    smi = (await _probe(tools, "gpu", {})).command("nvidia-smi")
    assert smi is not None
    assert (smi.rc, smi.stdout, smi.stderr, smi.whole) == (9, "<xml/>\n", "broken\n", False)


async def test_missing_tool_is_not_found(tools: Path) -> None:
    """127, as a shell says it."""
    smi = (await _probe(tools, "gpu", {})).command("nvidia-smi")
    assert smi is not None
    assert not smi.found


async def test_hung_tool_ends_with_its_probe(tools: Path) -> None:
    """nvidia-smi hangs past the probe's deadline: it and what it started are killed, what came before it is kept."""
    _tool(tools, "nvidia-smi", f"echo $$ > {tools}/pid; sleep 600 & echo $! > {tools}/child; wait")
    bundle = await _probe(tools, "gpu", {}, seconds=2)
    assert bundle.timed_out
    assert bundle.command("pci") is not None
    assert bundle.command("nvidia-smi") is None
    for name in ("pid", "child"):
        assert not _runs(int((tools / name).read_text()))


async def test_probe_that_there_is_not(tools: Path) -> None:
    """Its bundle says so."""
    bundle = await _probe(tools, "absent", {})
    assert "absent" in bundle.error


async def test_each_port_is_asked_for_its_manager(tools: Path) -> None:
    """Through the device and port that ibstat lists."""
    _tool(tools, "ibstat", "printf \"CA 'mlx5_0'\\n\\tPort 1:\\nCA 'mlx5_3'\\n\\tPort 2:\\n\"")
    _tool(tools, "sminfo", 'echo "$@"')
    bundle = await _probe(tools, "infiniband", {})
    asked = [bundle.command(f"sminfo {port}") for port in ("mlx5_0/1", "mlx5_3/2")]
    assert [c.stdout for c in asked if c] == ["-C mlx5_0 -P 1\n", "-C mlx5_3 -P 2\n"]


async def test_mount_trial_leaves_no_file(tools: Path) -> None:
    """It is written, read back and removed; a directory that is no mount gets no file at all."""
    before = _left(Path("/dev/shm"))
    bundle = await _probe(tools, "mounts", {"mounts": [{"target": "/dev/shm"}, {"target": str(tools)}]})
    trial, other = bundle.command("trial /dev/shm"), bundle.command(f"trial {tools}")
    assert trial is not None
    assert other is not None
    said = json.loads(trial.stdout)
    assert said["written"] == said["read"]
    assert json.loads(other.stdout) == {"mounted": False}
    assert _left(Path("/dev/shm")) == before
    assert _left(tools) == set()


def test_command_is_bounded_in_time_and_size() -> None:
    """A grandchild that keeps the pipe open doesn't hold us, and endless output is cut."""
    hung = commands.run("x", ["sh", "-c", "echo out; sleep 600 & sleep 600"], 0.5)
    assert (hung["rc"], hung["timed_out"], hung["stdout"]) == (None, True, "out\n")
    endless = commands.run("x", ["head", "-c", str(commands.MAX_OUTPUT + 10), "/dev/zero"], 20)
    assert endless["truncated"] is True
    assert len(str(endless["stdout"])) == commands.MAX_OUTPUT


def _left(directory: Path) -> set[str]:
    """Files of trials of this process tree's making."""
    return {path.name for path in directory.glob(".bringup-*")}


def _runs(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
