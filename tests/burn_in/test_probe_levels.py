"""Which commands a probe runs at which level, with programs that answer, hang, die, print half and print garbage."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from burn_in.probes import gpu, gpu_load, host, infiniband
from burn_in.probes.meanwhile import meanwhile
from burn_in.readers.catalog import KINDS
from burn_in.readers.unreadable import Unreadable

pytestmark = pytest.mark.real
_TOOLS = (
    "nvidia-smi",
    "dmesg",
    "dcgmi",
    "nvbandwidth",
    "all_reduce_perf",
    "gpu_burn",
    "nvme",
    "chronyc",
    "lspci",
    "lscpu",
    "ibstat",
    "sminfo",
    "ib_write_bw",
)

type Tool = Callable[[str, str], None]


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Every tool of the probes, answering nothing unless told what; first on the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    for name in _TOOLS:
        write(name, "true")
    return write


def _names(level: str) -> list[str]:
    return [str(record["name"]) for record in gpu.collect({"level": level})]


def test_each_level_runs_more(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate puts no load on a GPU; the others look before, in the midst and after."""
    monkeypatch.setattr(gpu_load, "_HEAT", {"quick": 0, "standard": 0})
    tool("nvidia-smi", "echo '<gpu id=\"0\">'")
    gate = ["pci", "xid", "nvidia-smi", "nvlink-status", "nvlink-errors"]
    assert _names("gate") == gate
    loads = ["dcgm-diag", "nvbandwidth", "nccl-tests", "gpu-burn", "nvidia-smi during", "nvidia-smi after"]
    assert _names("quick") == _names("standard") == [*gate, *loads, "nvlink-errors after", "xid after"]


def test_a_node_without_gpus_gets_no_load(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the level."""
    monkeypatch.setattr(gpu_load, "_HEAT", {"standard": 0})
    assert _names("standard") == ["pci", "xid", "nvidia-smi"]


def test_the_collective_takes_all_gpus(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the driver lists, not as many as somebody wished; and DCGM's level is the one of ours."""
    monkeypatch.setattr(gpu_load, "_HEAT", {"quick": 0})
    tool("nvidia-smi", 'printf \'<gpu id="0">\\n<gpu id="1">\\n\'')
    argv = {str(r["name"]): r["argv"] for r in gpu.collect({"level": "quick"})}
    assert argv["nccl-tests"] == ["all_reduce_perf", "-b", "16G", "-e", "16G", "-f", "2", "-g", "2"]
    assert argv["dcgm-diag"] == ["dcgmi", "diag", "-r", "2", "-j"]


_PORT = "\tPort 1:\n\t\tState: {}\n\t\tLink layer: {}\n"
_IBSTAT = "".join(
    f"CA 'mlx5_{n}'\n{_PORT.format(*port)}"
    for n, port in enumerate((("Active", "InfiniBand"), ("Active", "Ethernet"), ("Down", "InfiniBand")))
)


def test_only_a_port_that_is_up_and_infiniband_is_loaded(tool: Tool, tmp_path: Path) -> None:
    """The client waits for its server; counters are read before and after, at the gate once."""
    tool("ibstat", f"cat <<'END'\n{_IBSTAT}END")
    late = f'test -e {tmp_path}/up && exec echo done; touch {tmp_path}/up; echo "Couldn\'t connect to 127.0.0.1:18515"'
    tool("ib_write_bw", f'case "$*" in *127.0.0.1) {late}; exit 1;; esac; exec sleep 60')
    asked = [f"sminfo mlx5_{n}/1" for n in range(3)]
    records = list(infiniband.collect({"level": "quick"}))
    assert [r["name"] for r in records] == ["sysfs-ib", "ibstat", *asked, "perftest mlx5_0/1", "sysfs-ib after"]
    assert records[-2]["stdout"] == "done\n"
    assert [r["name"] for r in infiniband.collect({})] == ["sysfs-ib", "ibstat", *asked]


def test_every_command_of_the_host_is_named_as_its_kind(tool: Tool) -> None:
    """So that its reader is found by its name."""
    names = {str(record["name"]).partition(" ")[0] for record in host.collect({})}
    assert names - {"cmdline"} <= set(KINDS)


@pytest.mark.parametrize(
    "script", ["echo '<nvidia_smi_log><gpu id='", "head -c 3000 /dev/urandom", "kill -9 $$", "exit 3"]
)
def test_half_an_output_garbage_and_a_death_are_evidence_of_nothing(tool: Tool, script: str) -> None:
    """The record says what became of it, and no reader takes it."""
    tool("nvidia-smi", script)
    record = next(r for r in gpu.collect({}) if r["name"] == "nvidia-smi")
    assert set(record) >= {"rc", "stdout", "stderr", "timed_out", "truncated"}
    with pytest.raises(Unreadable):
        KINDS["nvidia-smi-xml"].read(str(record["stdout"]))


def test_the_look_in_the_midst_runs_while_the_load_does(tmp_path: Path) -> None:
    """After its delay and before the block's end."""
    with meanwhile("look", ["sh", "-c", "echo seen; exit 4"], 0.2, 10) as look:
        begun = time.monotonic()
        record = look()
    assert (record["name"], record["rc"], record["stdout"], record["timed_out"]) == ("look", 4, "seen\n", False)
    assert time.monotonic() - begun >= 0.15


def test_a_look_that_hangs_or_is_not_waited_for_is_ended(tmp_path: Path) -> None:
    """At its deadline in the one case, at the end of the block in both, with what it had printed."""
    mark = tmp_path / "pid"
    with meanwhile("look", ["sh", "-c", f"echo $$ > {mark}; echo begun; sleep 600"], 0, 0.5) as look:
        record = look()
    assert (record["rc"], record["timed_out"], record["stdout"]) == (None, True, "begun\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    with meanwhile("absent", ["no-such-program"], 0, 5) as look:
        assert look()["rc"] == 127
