"""Readers of measurements and of the host: units, what was not measured, and results that look good and are none."""

import json
from pathlib import Path

import pytest

from burn_in.readers.chrony import read_chrony
from burn_in.readers.fabric_manager import read_fabric_manager_log
from burn_in.readers.fio import read_fio
from burn_in.readers.gpu_burn import read_gpu_burn
from burn_in.readers.ibqueryerrors import read_ibqueryerrors
from burn_in.readers.ibstatus import read_ibstatus
from burn_in.readers.lscpu import read_lscpu
from burn_in.readers.lspci import read_lspci
from burn_in.readers.memory import read_edac, read_meminfo
from burn_in.readers.nccl_tests import read_nccl_tests
from burn_in.readers.nvbandwidth import read_nvbandwidth
from burn_in.readers.nvme import read_nvme_smart
from burn_in.readers.parallel_fs import read_lustre_health, read_scale_state
from burn_in.readers.perftest import read_perftest
from burn_in.readers.unreadable import Unreadable
from tests.burn_in.outputs import SYNTHETIC

pytestmark = pytest.mark.fast

# --- NCCL ---------------------------------------------------------------------------------------------------------

_NEW_TABLE = (
    "# Collective test starting: all_reduce_perf\n"
    "# nThread 1 nGpus 8 minBytes 17179869184 maxBytes 17179869184 step: 2(factor) warmup iters: 1 validation: 1\n"
    "#  Rank  0 Group  0 Pid   4242 on    gpu-001 device  0 [0000:53:00] NVIDIA H100 80GB HBM3\n"
    "#       size         count      type   redop    root     time   algbw   busbw  #wrong    time   algbw   busbw  #wrong\n"
    "gpu-001:4242:4242 [0] NCCL INFO comm 0x55 rank 0 nranks 8\n"
    " 17179869184    4294967296     float     sum      -1    62500  274.88  481.04       0    62400  275.32  481.81     3\n"
    "# Out of bounds values : 1 FAILED\n# Avg bus bandwidth    : 481.4 \n#\n"
)


def test_nccl_of_a_recorded_node(samples: Path) -> None:
    """The largest size, on eight ranks; nobody compared the results."""
    for name, bus in (("nccl_allreduce", 229.97), ("nccl_allgather", None), ("nccl_broadcast", None)):
        run = read_nccl_tests((samples / "nccl" / f"{name}.log").read_text())
        last = run.rows[-1]
        assert (len(run.ranks), last.size, run.validated) == (8, 8589934592, False)
        assert last.out_of_place is not None
        assert last.out_of_place.wrong is None
        assert bus is None or last.out_of_place.bus_gbytes == pytest.approx(bus, rel=0.05)


def test_nccl_counts_wrong_elements_of_either_half() -> None:
    """In place three were wrong; a log line between the rows is passed over."""
    run = read_nccl_tests(_NEW_TABLE)
    row = run.rows[0]
    assert row.out_of_place is not None
    assert row.in_place is not None
    assert (row.out_of_place.wrong, row.in_place.wrong, run.out_of_bounds, run.validated) == (0, 3, 1, True)
    assert (run.test, run.ranks[0].host, run.ranks[0].gpu) == ("all_reduce_perf", "gpu-001", "NVIDIA H100 80GB HBM3")


def test_nccl_json_says_the_same() -> None:
    """Out of place is null where it was left out; a file that was closed after a crash has no results."""
    half = {"time": 62400.0, "alg_bw": 275.3, "bus_bw": 481.8, "nwrong": 0.0}
    result = {
        "size": 17179869184,
        "type": "float",
        "redop": "sum",
        "root": "-1",
        "out_of_place": None,
        "in_place": half,
    }
    run = {
        "version": 2, "args": ["/opt/all_reduce_perf", "-g", "8"], "config": {"validation": 1, "devices": []},
        "results": [result], "out_of_bounds": {"count": 0, "okay": "true"},
        "average_bus_bandwidth": {"bandwidth": 481.8, "okay": "unchecked"},
    }  # fmt: skip
    read = read_nccl_tests(json.dumps(run))
    assert (read.test, read.rows[0].out_of_place, read.average_bus_gbytes) == ("all_reduce_perf", None, 481.8)
    for gone in ("results", "out_of_bounds", "average_bus_bandwidth"):
        with pytest.raises(Unreadable):
            read_nccl_tests(json.dumps({k: v for k, v in run.items() if k != gone}))


@pytest.mark.parametrize("word", ["nan", "inf", "-"])
def test_nccl_without_a_number_is_refused(word: str) -> None:
    """What printf makes of a division by zero."""
    with pytest.raises(Unreadable):
        read_nccl_tests(_NEW_TABLE.replace("481.04", word))


# --- nvbandwidth --------------------------------------------------------------------------------------------------


def test_nvbandwidth_of_a_recorded_node(samples: Path) -> None:
    """Tables with their units; what was waived is counted, not passed."""
    run = read_nvbandwidth((samples / "nvbandwidth" / "nvbandwidth_results.log").read_text())
    tests = {t.name: t for t in run.tests}
    assert tests["device_to_host_memcpy_ce"].matrix == ((295.15, 312.11),)
    assert tests["host_device_latency_sm"].unit == "ns"
    assert (run.version, run.driver, run.waived, run.errors) == ("v0.6", "550.54.15", 17, ())


def test_nvbandwidth_json() -> None:
    """Values stand there as text, and as N/A; a test that failed has neither."""
    passed = {
        "name": "device_to_device_memcpy_read_ce", "status": "Passed", "sum": 770.0,
        "bandwidth_description": "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)",
        "bandwidth_matrix": [["N/A", "385"], ["385", "N/A"]],
    }  # fmt: skip
    failed = {"name": "all_to_host_memcpy_ce", "status": "Error", "error": "CUDA_ERROR_ECC_UNCORRECTABLE"}
    text = json.dumps({"nvbandwidth": {"git_version": "v0.8", "testcases": [passed, failed]}}, indent=3)
    run = read_nvbandwidth(text)
    assert run.tests[0].matrix == ((None, 385.0), (385.0, None))
    assert (run.tests[1].status, run.errors) == ("Error", ("CUDA_ERROR_ECC_UNCORRECTABLE",))


def test_nvbandwidth_that_died_in_a_test_is_refused(samples: Path) -> None:
    """The table is there, its sum is not."""
    text = (samples / "nvbandwidth" / "nvbandwidth_results.log").read_text()
    with pytest.raises(Unreadable, match="no end"):
        read_nvbandwidth(text[: text.index("SUM device_to_host_memcpy_ce")] + "CUDA_ERROR_ILLEGAL_ADDRESS\n")


# --- perftest -----------------------------------------------------------------------------------------------------

_RULE = "-" * 87 + "\n"
_GBITS = (
    f"{_RULE}                    RDMA_Write BW Test\n Dual-port       : OFF\t\tDevice         : mlx5_0\n{_RULE}"
    " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n"
    f" 8388608    5000             395.11             394.87               0.005884\n{_RULE}"
)
_LATENCY = (
    f"                    RDMA_Write Latency Test\n{_RULE}"
    " #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   "
    "99% percentile[usec]   99.9% percentile[usec] \n"
    f" 2       1000          1.55           4.14         1.58     \t 1.59        \t0.04   \t\t1.71    \t\t4.14   \n{_RULE}"
)


def test_perftest_knows_its_unit(samples: Path) -> None:
    """MB/sec are 2^20 bytes, Gb/sec are 10^9 bits; JSON names none, so there is none."""
    assert read_perftest(_GBITS).rows[0].gbits_per_s == 394.87
    old = read_perftest((samples / "perftest" / "ib_loopback_8M_size.log").read_text())
    assert old.rows[0].gbits_per_s == pytest.approx(201.8, abs=0.01)
    results = {"MsgSize": 8388608, "n_iterations": 5000, "BW_peak": 395.1, "BW_average": 394.8, "MsgRate": 0.0058}
    row = read_perftest(
        json.dumps({"test_info": {"test": "RDMA_Write_BW", "Device": "mlx5_0"}, "results": results})
    ).rows[0]
    assert (row.gbits_per_s, row.values["bandwidth_average"]) == (None, 394.8)


def test_perftest_latency() -> None:
    """Microseconds by name."""
    row = read_perftest(_LATENCY).rows[0]
    assert (row.values["t_typical_us"], row.values["t_99_us"], row.values["t_999_us"]) == (1.58, 1.71, 4.14)


@pytest.mark.parametrize(
    "text", [_GBITS.removesuffix(_RULE), _GBITS.replace("394.87", ""), "Couldn't connect to 10.0.0.2:18515\n"]
)
def test_perftest_that_did_not_end_is_refused(text: str) -> None:
    """Killed after its row, half a row, nobody there."""
    with pytest.raises(Unreadable):
        read_perftest(text)


# --- gpu_burn -----------------------------------------------------------------------------------------------------


def test_gpu_burn_of_a_recorded_node(samples: Path) -> None:
    """Eight GPUs, each with its work and its speed."""
    run = read_gpu_burn((samples / "gpu-burn" / "gpu_burn.log").read_text())
    assert [(g.ok, g.errors, bool(g.iterations)) for g in run.gpus] == [(True, 0, True)] * 8
    assert run.percent == 100.0
    assert {g.hottest_c for g in run.gpus} == {58, 59, 60, 61, 62}


def test_a_gpu_that_did_nothing_is_said_to_be_ok_and_is_told() -> None:
    """gpu_burn exits with 0 and prints OK for it."""
    text = (
        "100.0%  proc'd: 2261 (7150 Gflop/s) - 0 (0 Gflop/s)   errors: 0 - 9 (WARNING!)  temps: 38 C - -- \r\n"
        'Couldn\'t init a GPU test: Error in "C alloc"\nTested 2 GPUs:\n\tGPU 0: OK\n\tGPU 1: OK\n'
    )
    run = read_gpu_burn(text)
    assert [(g.ok, g.iterations, g.errors) for g in run.gpus] == [(True, 2261, 0), (True, 0, 9)]
    assert run.troubles == ('Couldn\'t init a GPU test: Error in "C alloc"',)


@pytest.mark.parametrize("text", ["No clients are alive!  Aborting\n", "Tested 2 GPUs:\n\tGPU 0: OK\n", ""])
def test_gpu_burn_without_all_verdicts_is_refused(text: str) -> None:
    """Whatever its exit status."""
    with pytest.raises(Unreadable):
        read_gpu_burn(text)


# --- storage, host, logs ------------------------------------------------------------------------------------------


def test_fio_without_writes_measured_none() -> None:
    """Zero operations are no bandwidth of zero."""
    job = read_fio(SYNTHETIC["fio"]).jobs[0]
    assert job.write is None
    assert job.read is not None
    assert job.read.bytes_per_s == 7e9


def test_nvme_of_either_version() -> None:
    """Counters as text, the warning as an object, Kelvin."""
    log = json.loads(SYNTHETIC["nvme-smart-log"])
    new = {**log, "critical_warning": {"value": 4, "reliability_degraded": 1}, "media_errors": "12"}
    smart = read_nvme_smart(json.dumps(new))
    assert (smart.critical_warning, smart.media_errors, smart.temperature_c, smart.power_on_hours) == (4, 12, 37, 1234)
    with pytest.raises(Unreadable):
        read_nvme_smart(json.dumps({k: v for k, v in log.items() if k != "media_errors"}))


def test_lscpu_printed_and_nested() -> None:
    """The same machine; another locale is refused rather than read as nothing."""
    rows = [line.split(":", 1) for line in SYNTHETIC["lscpu"].splitlines()]
    fields = [{"field": f"{name}:", "data": value.strip()} for name, value in rows]
    nested = {"lscpu": [{**fields[0], "children": fields[1:]}]}
    assert read_lscpu(json.dumps(nested)) == read_lscpu(SYNTHETIC["lscpu"])
    assert read_lscpu(SYNTHETIC["lscpu"]).sockets == 2
    with pytest.raises(Unreadable, match="locale"):
        read_lscpu(SYNTHETIC["lscpu"].replace("Socket(s)", "Sockel"))


def test_memory_and_its_errors() -> None:
    """Bytes; the label is what is printed beside the slot. No controller is no driver, not no error."""
    assert read_meminfo(SYNTHETIC["meminfo"]).total == 2113440136 * 1024
    dimm = read_edac(SYNTHETIC["edac"])[1].dimms[0]
    assert (dimm.name, dimm.label, dimm.correctable, dimm.uncorrectable) == ("mc1/dimm0", "P0_A0", 2, 0)
    with pytest.raises(Unreadable):
        read_edac("grep: /sys/devices/system/edac/mc/: No such file or directory\n")


@pytest.mark.parametrize(
    ("text", "synchronised"),
    [
        (SYNTHETIC["chronyc"], True),
        ("0A000001,ntp1,3,1764.1,0.000012,-0.000001,0.00002,1.2,0.0,0.01,0.001,0.002,64.0,Normal\n", True),
        ("7F7F0101,,10,1764.1,0.000000,0.0,0.0,1.2,0.0,0.01,0.0,0.0,0.0,Normal\n", False),
        (SYNTHETIC["chronyc"].replace("Normal", "Not synchronised"), False),
    ],
)
def test_a_clock_that_follows_a_source(text: str, synchronised: bool) -> None:
    """Not one that follows itself, and not one that says so."""
    assert read_chrony(text).synchronised is synchronised


def test_chronyd_that_does_not_answer_is_refused() -> None:
    """One line, like the machine-readable form."""
    with pytest.raises(Unreadable):
        read_chrony("506 Cannot talk to daemon\n")


def test_parallel_file_systems_that_are_not_well() -> None:
    """Lustre's complaint, Storage Scale's states printed and machine-readable."""
    sick = read_lustre_health("health_check=\ndevice fs-OST0001 reported unhealthy\nNOT HEALTHY\n")
    assert not sick.healthy
    assert read_lustre_health(SYNTHETIC["lustre-health"]).healthy
    rows = (
        "mmgetstate::HEADER:version:reserved:reserved:nodeName:nodeNumber:state:quorum:nodesUp:totalNodes:remarks:\n"
        "mmgetstate::0:1:::gpu-001:1:active:2:3:3::\nmmgetstate::0:1:::gpu-002:2:arbitrating:2:3:3::\n"
    )
    assert read_scale_state(rows) == read_scale_state(SYNTHETIC["mmgetstate"])


def test_gpus_that_lspci_lists(samples: Path) -> None:
    """Four in a GB200 tray, with and without ids; a device that reads as all ones has fallen off the bus."""
    text = (samples / "nvidia-smi-qx" / "lspci.gb200").read_text()
    assert len([d for d in read_lspci(text) if d.nvidia_gpu]) == text.count("3D controller: NVIDIA") == 4
    a10 = (samples / "nvidia-smi-qx" / "lspci.nn.a10").read_text()
    gpu = next(d for d in read_lspci(a10) if d.nvidia_gpu)
    assert (gpu.address, gpu.vendor, gpu.device, gpu.fallen) == ("06:00.0", "10de", "2236", False)
    assert next(d for d in read_lspci(a10.replace("(rev a1)", "(rev ff)")) if d.nvidia_gpu).fallen


def test_ibstatus_and_ibqueryerrors(samples: Path) -> None:
    """LIDs are hexadecimal in the one; a switch's sum is not a port in the other."""
    port = read_ibstatus((samples / "ibstat" / "ibstatus.39.0.a100.all.active.0").read_text())[0]
    assert (port.lid, port.state, port.rate_gbps) == (0x33BF, "ACTIVE", 200.0)
    survey = read_ibqueryerrors((samples / "ib-sim" / "ibqueryerrors-errors.txt").read_text())
    assert (survey.bad_ports, [p.port for p in survey.ports]) == (3, [1, 1, None, 2])
    assert survey.ports[1].counters["LinkDownedCounter"] == 2


def test_fabric_manager_s_complaints(samples: Path) -> None:
    """Non-fatal errors of NVSwitches: one in one recorded log, 18 in the other; messages of several lines are none."""
    sick, other = ((samples / "fm" / f"{name}.log").read_text() for name in ("fabricmanager", "fabric-manager.0"))
    assert [c.text[:41] for c in read_fabric_manager_log(sick).complaints] == [
        "detected NVSwitch non-fatal error 12028 o"
    ]
    assert {c.level for c in read_fabric_manager_log(other).complaints} == {"ERROR"}
    assert len(read_fabric_manager_log(other).complaints) == 18
