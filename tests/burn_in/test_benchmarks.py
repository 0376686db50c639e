"""Judges of benchmarks and of the host: recorded runs, the largest message, the slow sister, nothing by an exit status."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burn_in.judges.gpu_burn import judge_gpu_burn
from burn_in.judges.host import judge_clock, judge_edac, judge_lustre, judge_nvme, judge_scale
from burn_in.judges.nccl import judge_nccl
from burn_in.judges.nvbandwidth import judge_nvbandwidth
from burn_in.judges.outputs import JUDGED_KINDS, Judging, judge_output, required_outputs
from burn_in.judges.perftest import judge_bandwidth, judge_latency, judge_perftest
from burn_in.readers.catalog import KINDS
from burn_in.readers.chrony import Tracking
from burn_in.readers.gpu_burn import BurnedGpu, GpuBurn, read_gpu_burn
from burn_in.readers.memory import Dimm, MemoryController
from burn_in.readers.nccl_tests import NcclRank, NcclRow, NcclTests, NcclTiming, read_nccl_tests
from burn_in.readers.nvbandwidth import BandwidthTest, NvBandwidth
from burn_in.readers.nvme import NvmeSmart
from burn_in.readers.parallel_fs import LustreHealth, ScaleNode
from burn_in.readers.perftest import Perftest, PerftestRow, read_perftest
from burn_in.thresholds.common import load_common
from burn_in.thresholds.load import load_thresholds
from burn_in.thresholds.xid_policy import load_xid_policy
from workflows.model.profile import DiskHint, Sku
from workflows.model.verdict import BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast
_COMMON, _XIDS, _MODELS = load_common(), load_xid_policy(), load_thresholds()
_H100 = _MODELS["h100-sxm"]
_SKU = Sku(name="h100", system_disk=DiskHint(), gpu_model="h100-sxm", gpu_count=8, infiniband_rate_gbps=400)


def _bad(checks: tuple[Check, ...]) -> set[tuple[str, Verdict]]:
    return {(c.id, c.verdict) for c in checks if c.verdict is not Verdict.PASS}


def _accepted(checks: tuple[Check, ...]) -> bool:
    return BurnInReport(level="quick", checks=checks).accepted


# --- NCCL ---------------------------------------------------------------------------------------------------------


def _run(bus: float, size: int = 16 << 30, wrong: float | None = 0, validated: bool | None = True) -> NcclTests:
    """A sweep whose small messages are slow, as they always are."""
    small, large = NcclTiming(10, 1, 1, wrong), NcclTiming(10, bus, bus, wrong)
    rows = (
        NcclRow(8, "float", "sum", small, small),
        NcclRow(size, "float", "sum", large, replace(large, bus_gbytes=bus + 5)),
    )
    ranks = tuple(NcclRank(n, "h", n, "0000", "H100") for n in range(8))
    return NcclTests("all_reduce", validated, ranks, rows, 0, (1 + bus) / 2)


def test_nccl_is_judged_by_its_largest_message_and_not_by_the_average() -> None:
    """The average over all sizes is half of it."""
    assert _accepted(judge_nccl("nccl.node", _run(461), _H100.nccl_all_reduce_gbs, 8))
    assert _bad(judge_nccl("nccl.node", _run(455), _H100.nccl_all_reduce_gbs, 8)) == {
        ("nccl.node.bandwidth", Verdict.FAIL)
    }


@pytest.mark.parametrize(
    ("run", "check", "verdict"),
    [
        (_run(480, wrong=1), "nccl.node.wrong", Verdict.FAIL),
        (_run(480, wrong=None), "nccl.node.wrong", Verdict.UNKNOWN),
        (_run(480, validated=None), "nccl.node.wrong", Verdict.UNKNOWN),
        (_run(480, validated=False), "nccl.node.wrong", Verdict.UNKNOWN),
        (replace(_run(480), out_of_bounds=1), "nccl.node.wrong", Verdict.FAIL),
        (_run(480, size=1 << 20), "nccl.node.bandwidth", Verdict.UNKNOWN),
        (replace(_run(480), rows=()), "nccl.node.bandwidth", Verdict.UNKNOWN),
        (replace(_run(480), ranks=_run(480).ranks[:4]), "nccl.node.ranks", Verdict.FAIL),
        (replace(_run(480), ranks=()), "nccl.node.ranks", Verdict.UNKNOWN),
    ],
)
def test_what_an_nccl_run_has_not_proven_is_no_pass(run: NcclTests, check: str, verdict: Verdict) -> None:
    """A wrong result, none that was compared, a small message, fewer GPUs."""
    assert (check, verdict) in _bad(judge_nccl("nccl.node", run, _H100.nccl_all_reduce_gbs, 8))


def test_the_recorded_nccl_run_is_of_another_machine(samples: Path) -> None:
    """8×A100 of 2020: read, and its numbers are under the floor of an H100."""
    run = read_nccl_tests((samples / "nccl" / "nccl_allreduce.log").read_text())
    assert ("nccl.node.bandwidth", Verdict.FAIL) in _bad(judge_nccl("nccl.node", run, _H100.nccl_all_reduce_gbs, 8))


# --- nvbandwidth --------------------------------------------------------------------------------------------------


def _bandwidth(host: list[float | None], peer: float | None = 380.0, status: str = "Passed") -> NvBandwidth:
    """Eight GPUs; the link between 2 and 5 has the bandwidth ``peer``."""
    matrix = tuple(tuple(None if a == b else peer if {a, b} == {2, 5} else 380.0 for b in range(8)) for a in range(8))
    tests = (
        BandwidthTest("host_to_device_memcpy_ce", status, "GB/s", (tuple(host),), None),
        BandwidthTest("device_to_host_memcpy_ce", "Passed", "GB/s", (tuple([55.0] * 8),), None),
        BandwidthTest("device_to_device_memcpy_read_ce", "Passed", "GB/s", matrix, None),
    )
    return NvBandwidth("0.8", "580", tuple("H100" for _ in range(8)), tests, 0, ())


def test_a_gpu_with_half_its_lanes_is_found_by_the_floor_and_a_slow_one_is_shown() -> None:
    """GPU 7 under the floor, GPU 6 behind its sisters."""
    checks = judge_nvbandwidth(_bandwidth([55, 55.1, 54.9, 55, 55.2, 55, 50, 27]), _H100, 8)
    told = {(c.entity, c.verdict) for c in checks if c.verdict is not Verdict.PASS}
    assert told == {("GPU 7", Verdict.FAIL), ("GPU 6", Verdict.WARN)}


def test_one_slow_link_shows_in_both_of_its_gpus() -> None:
    """2 and 5; nobody else."""
    checks = judge_nvbandwidth(_bandwidth([55.0] * 8, peer=200.0), _H100, 8)
    assert {c.entity for c in checks if c.verdict is Verdict.FAIL} == {"GPU 2", "GPU 5"}


@pytest.mark.parametrize(
    "run",
    [
        _bandwidth([55.0] * 7),
        _bandwidth([55.0] * 7 + [None]),
        _bandwidth([55.0] * 8, status="Waived"),
        _bandwidth([55.0] * 8, status="Error"),
        _bandwidth([55.0] * 8, peer=None),
        replace(_bandwidth([55.0] * 8), tests=()),
        replace(_bandwidth([55.0] * 8), errors=("CUDA error",)),
        replace(_bandwidth([55.0] * 8), tests=tuple(replace(t, unit="MB/s") for t in _bandwidth([55.0] * 8).tests)),
    ],
)
def test_what_nvbandwidth_has_not_measured_is_no_pass(run: NvBandwidth) -> None:
    """A GPU too few, a waived test, another unit, an error beside good numbers."""
    assert not _accepted(judge_nvbandwidth(run, _H100, 8))


# --- gpu_burn -----------------------------------------------------------------------------------------------------


def test_the_recorded_burn_of_eight_gpus(samples: Path) -> None:
    """All OK, with work behind it."""
    run = read_gpu_burn((samples / "gpu-burn" / "gpu_burn.log").read_text())
    assert _accepted(judge_gpu_burn(run, 8))
    assert not _accepted(judge_gpu_burn(run, 9))


@pytest.mark.parametrize(
    "gpu",
    [
        BurnedGpu(7, True, 0, 0.0, 0, 50),
        BurnedGpu(7, True, None, None, None, None),
        BurnedGpu(7, False, 100, 9e4, 3, 50),
        BurnedGpu(7, True, 100, 9e4, 3, 50),
    ],
)
def test_an_ok_without_work_and_a_faulty_gpu_are_no_pass(gpu: BurnedGpu) -> None:
    """gpu_burn prints OK after an error at its start, and ends with 0 whatever happened."""
    good = tuple(BurnedGpu(n, True, 100, 9e4, 0, 60) for n in range(7))
    assert not _accepted(judge_gpu_burn(GpuBurn((*good, gpu), 100.0, ()), 8))


# --- perftest -----------------------------------------------------------------------------------------------------


def _write(gbits: float | None) -> Perftest:
    rows = (PerftestRow(2, 5000, 0.1, {}), PerftestRow(8 << 20, 5000, gbits, {}))
    return Perftest("RDMA_Write BW Test", "mlx5_0", "IB", "Gb/sec", rows, ())


def test_bandwidth_is_a_share_of_the_ports_rate() -> None:
    """90 % of 400 of the largest message; without a rate in the sku, without a unit, nothing is said."""
    assert _accepted(judge_bandwidth("p", _write(361), 400, _COMMON))
    assert _bad(judge_bandwidth("p", _write(350), 400, _COMMON)) == {("infiniband.bandwidth", Verdict.FAIL)}
    assert _bad(judge_bandwidth("p", _write(361), None, _COMMON)) == {("infiniband.bandwidth", Verdict.UNKNOWN)}
    assert _bad(judge_bandwidth("p", _write(None), 400, _COMMON)) == {("infiniband.bandwidth", Verdict.UNKNOWN)}
    failed = replace(_write(361), failures=("Completion with error",))
    assert not _accepted(judge_bandwidth("p", failed, 400, _COMMON))


def test_reads_have_their_own_latency() -> None:
    """They cross the wire twice."""
    row = PerftestRow(2, 1000, None, {"t_typical_us": 3.0})
    write = Perftest("RDMA_Write Latency Test", None, "IB", "usec", (row,), ())
    assert not _accepted(judge_latency("p", write, _COMMON))
    assert _accepted(judge_latency("p", replace(write, test="RDMA_Read Latency Test"), _COMMON))
    assert not _accepted(judge_latency("p", replace(write, rows=()), _COMMON))
    assert judge_perftest("p", write, 400, _COMMON)[-1].id == "infiniband.latency"


def test_the_recorded_loop_back_is_read_in_its_own_unit(samples: Path) -> None:
    """MB/sec of 2^20 bytes, of a 200 Gb/s port: at its rate it passes, at 400 it doesn't."""
    run = read_perftest((samples / "perftest" / "ib_loopback_8M_size.log").read_text())
    assert _accepted(judge_perftest("p", run, 200, _COMMON))
    assert not _accepted(judge_perftest("p", run, 400, _COMMON))


# --- the host -----------------------------------------------------------------------------------------------------


def test_memory_errors_name_the_dimm() -> None:
    """Correctable ones are no fault; no controller at all is no good news."""
    good = MemoryController("mc0", 12, 0, ())
    assert _accepted(judge_edac([good]))
    bad = MemoryController("mc1", 0, 1, (Dimm("dimm3", "CPU0_DIMM_C1", 0, 1), Dimm("dimm4", "CPU0_DIMM_D1", 0, 0)))
    (check,) = [c for c in judge_edac([good, bad]) if c.verdict is Verdict.FAIL]
    assert (check.entity, check.advice) == ("mc1", "CPU0_DIMM_C1")
    assert not _accepted(judge_edac([]))


@pytest.mark.parametrize(
    ("tracking", "accepted"),
    [
        (Tracking("10.0.0.1", 3, -0.002, 0.001, "Normal"), True),
        (Tracking("10.0.0.1", 3, -0.2, 0.001, "Normal"), False),
        (Tracking("", 0, 0.0, 0.0, "Not synchronised"), False),
    ],
)
def test_a_clock_without_a_source_or_far_from_it_is_not_accepted(tracking: Tracking, accepted: bool) -> None:
    """An offset of nothing from nothing is no offset."""
    assert _accepted(judge_clock(tracking, _COMMON)) is accepted


_DISK = NvmeSmart(0, 40, 100, 10, 3, 0, 5, 1000, 2)


@pytest.mark.parametrize(
    ("disk", "verdict"),
    [
        (_DISK, None),
        (replace(_DISK, critical_warning=4), Verdict.FAIL),
        (replace(_DISK, media_errors=1), Verdict.FAIL),
        (replace(_DISK, available_spare=9), Verdict.FAIL),
        (replace(_DISK, percent_used=90), Verdict.WARN),
    ],
)
def test_an_nvme_disk_by_its_own_log(disk: NvmeSmart, verdict: Verdict | None) -> None:
    """Old entries of the error log accuse nobody."""
    assert {v for _, v in _bad(judge_nvme("nvme0", disk, _COMMON))} == ({verdict} if verdict else set())


def test_parallel_file_systems_by_their_own_word() -> None:
    """Only *healthy* and *active*; a list of nobody is nothing."""
    assert _accepted(judge_lustre(LustreHealth(True, ())))
    assert not _accepted(judge_lustre(LustreHealth(False, ("device x reported unhealthy",))))
    assert _accepted(judge_scale([ScaleNode(1, "n1", "active")]))
    assert not _accepted(judge_scale([ScaleNode(1, "n1", "active"), ScaleNode(2, "n2", "arbitrating")]))
    assert not _accepted(judge_scale([]))


# --- the table ----------------------------------------------------------------------------------------------------

_BY = Judging(_SKU, "quick", _H100, _COMMON, _XIDS)


def test_each_judged_kind_is_one_that_can_be_read() -> None:
    """By the catalogue's own names; what a level asks for is judged."""
    assert set(JUDGED_KINDS) <= set(KINDS)
    assert required_outputs(_BY) == ("xid", "nvlink-status", "dcgm-diag", "nvbandwidth")
    assert set(required_outputs(_BY)) <= set(JUDGED_KINDS)
    assert required_outputs(replace(_BY, gpu=None)) == ()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(JUDGED_KINDS), st.text(max_size=60))
def test_what_is_no_output_is_an_error_and_never_a_pass(kind: str, text: str) -> None:
    """Of no kind, and it never raises."""
    checks = judge_output(f"{kind} part", text, _BY)
    assert not _accepted(checks)


def test_without_thresholds_the_best_run_is_no_pass(samples: Path) -> None:
    """An unknown GPU model."""
    text = (samples / "nvidia-smi-qx" / "nvidia-smi.nvlink.status.a100").read_text()
    assert not _accepted(judge_output("nvlink-status", text, replace(_BY, gpu=None)))
