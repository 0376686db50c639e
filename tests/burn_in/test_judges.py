"""Judges over recorded outputs and planted faults: each fault by its own check and action, and nothing missing passes."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burn_in.judges.dcgm import TESTS, judge_dcgm
from burn_in.judges.gpu_load import judge_gpu_load
from burn_in.judges.gpus import judge_gpus
from burn_in.judges.nvlink import judge_nvlink, judge_nvlink_errors
from burn_in.judges.port_counters import judge_port_counters
from burn_in.judges.xids import judge_xids
from burn_in.readers.dcgm_diag import read_dcgm_diag
from burn_in.readers.nvidia_smi import NvidiaSmi, read_nvidia_smi
from burn_in.readers.nvlink import read_nvlink_errors, read_nvlink_state
from burn_in.readers.pci import PciBus
from burn_in.readers.port_counters import PortCounters, saturated
from burn_in.readers.xid import read_xids
from burn_in.thresholds.common import load_common
from burn_in.thresholds.load import load_thresholds
from burn_in.thresholds.xid_policy import load_xid_policy
from workflows.model.actions import decide
from workflows.model.errors import BadInput
from workflows.model.profile import DiskHint, Sku
from workflows.model.verdict import Action, BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast
_COMMON, _XIDS, _MODELS = load_common(), load_xid_policy(), load_thresholds()


def _bad(checks: tuple[Check, ...]) -> set[tuple[str, str, Verdict]]:
    return {(c.id, c.entity, c.verdict) for c in checks if c.verdict is not Verdict.PASS}


def _accepted(checks: tuple[Check, ...]) -> bool:
    return BurnInReport(level="quick", checks=checks).accepted


# --- Xids ---------------------------------------------------------------------------------------------------------


def test_the_policy_follows_the_catalogue_and_says_where_it_does_not(samples: Path) -> None:
    """Every code of NVIDIA's table is in one group of its own action, or in one that says what was decided and why."""
    with (samples / "xid" / "gpud-xid-catalog.csv").open() as file:
        catalogue = {int(row["code"]): row["immediate"] or "none" for row in csv.DictReader(file)}
    assert len(catalogue) == 172
    for code, action in catalogue.items():
        group = _XIDS.group(code)
        assert group is not None, code
        assert group.catalogue == action, code
        mild = group.verdict is Verdict.WARN
        assert mild == (action == "IGNORE") or group.decided, f"Xid {code} is treated against the catalogue in silence"


def _log(*lines: str) -> str:
    return "".join(f"[    1.{n:06d}] {line}\n" for n, line in enumerate(("Linux version 6.1", *lines)))


def _xids(*lines: str) -> tuple[Check, ...]:
    return judge_xids(read_xids(_log(*lines)), _XIDS)


def test_a_log_without_any_is_a_pass_and_says_how_much_was_read() -> None:
    """Good news only from a log that was read."""
    (check,) = _xids()
    assert (check.verdict, check.measured) == (Verdict.PASS, "none in 1 lines of the kernel log")


def test_the_recorded_gsp_timeout_asks_for_a_reset(samples: Path) -> None:
    """Xid 119 of one GPU, many lines: one check, by its PCI address."""
    checks = judge_xids(read_xids((samples / "xid" / "dmesg-with-xid-119.log").read_text()), _XIDS)
    assert {(c.entity, c.action, c.verdict) for c in checks} == {("0000:9b:00", Action.RESET_GPU, Verdict.FAIL)}
    assert "Xid 119" in checks[0].message


@pytest.mark.parametrize(
    ("line", "verdict", "action"),
    [
        ("NVRM: Xid (PCI:0000:9b:00): 79, GPU has fallen off the bus.", Verdict.FAIL, Action.REBOOT),
        ("NVRM: Xid (PCI:0000:9b:00): 63, Row Remapper", Verdict.WARN, Action.NONE),
        ("NVRM: Xid (PCI:0000:9b:00): 31, pid=1, name=x, Ch 8", Verdict.FAIL, Action.SERVICE),
        ("NVRM: Xid (PCI:0000:9b:00): 145, RLW", Verdict.FAIL, Action.SERVICE),
        ("NVRM: Xid (PCI:0000:9b:00): 167, PCIE_FATAL_TIMEOUT", Verdict.FAIL, Action.SERVICE),
        ("NVRM: Xid (PCI:0000:9b:00): 160, retirement", Verdict.FAIL, Action.REBOOT),
        ("NVRM: Xid (PCI:0000:9b:00): 999, something new", Verdict.FAIL, Action.SERVICE),
        (
            "NVRM: Xid (PCI:0000:9b:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)",
            Verdict.FAIL,
            Action.REBOOT,
        ),
        (
            "NVRM: Xid (PCI:0000:9b:00): 154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)",
            Verdict.WARN,
            Action.NONE,
        ),
        (
            "nvidia-nvswitch0: SXid (PCI:0000:07:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
            Verdict.FAIL,
            Action.SERVICE,
        ),
        ("nvidia-nvswitch0: SXid (PCI:0000:07:00.0): 11004, Non-fatal, Link 3 Ingress", Verdict.WARN, Action.NONE),
        ("nvidia-nvswitch0: SXid (PCI:0000:07:00.0): 11004, Link 3 Ingress", Verdict.FAIL, Action.SERVICE),
    ],
)
def test_each_code_by_the_policy(line: str, verdict: Verdict, action: Action) -> None:
    """An unknown code, and one that says no word of its weight, is a fault."""
    (check,) = _xids(line)
    assert (check.verdict, check.action) == (verdict, action)


def test_a_policy_that_lets_a_code_pass_or_names_it_twice_is_refused(tmp_path: Path) -> None:
    """A data file is checked like code."""
    head = "source: somebody\ndate: 2026-01-01\ngroups:\n"
    row = "  - {name: a, catalogue: X, verdict: fail, action: service, words: some words, codes: [5]}\n"
    path = tmp_path / "xid.yaml"
    for text, said in ((head + row + row, "two groups"), (head + row.replace("fail", "pass"), "warning or a failure")):
        path.write_text(text)
        with pytest.raises(BadInput, match=said):
            load_xid_policy(path)


# --- DCGM ---------------------------------------------------------------------------------------------------------


def _dcgm(tests: dict[str, list[dict[str, object]]], root: str = "DCGM Diagnostic") -> str:
    listed = [{"name": name, "results": results} for name, results in tests.items()]
    categories = [{"category": "Hardware", "tests": listed}]
    return json.dumps({root: {"test_categories": categories}, "metadata": {"version": "4.2.3"}})


def _gpu(number: int, status: str = "Pass", severity: int | None = None) -> dict[str, object]:
    warning = {"warning": "x", "error_id": 1, "error_category": 1, "error_severity": severity}
    warnings = {} if severity is None else {"warnings": [warning]}
    return {"entity_group": "GPU", "entity_group_id": 1, "entity_id": number, "status": status, **warnings}


def _level(level: int, gpus: int = 8) -> dict[str, list[dict[str, object]]]:
    return {name: [_gpu(n) for n in range(gpus)] for name in TESTS[level]}


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_level_that_ran_whole_passes(level: int) -> None:
    """Every test on all eight."""
    assert _accepted(judge_dcgm(read_dcgm_diag(_dcgm(_level(level))), level, 8))


@pytest.mark.parametrize(
    ("severity", "action"),
    [(1, Action.SERVICE), (2, Action.RMA), (3, Action.SERVICE), (5, Action.RECONFIGURE), (6, Action.RESET_GPU)],
)
def test_the_failure_of_the_last_gpu_is_seen_with_its_severity(severity: int, action: Action) -> None:
    """Seven good results before it; *isolate* is 2 and not 3."""
    tests = _level(3)
    tests["targeted_power"][7] = _gpu(7, "Fail", severity)
    (bad,) = [c for c in judge_dcgm(read_dcgm_diag(_dcgm(tests)), 3, 8) if c.verdict is not Verdict.PASS]
    assert (bad.id, bad.entity, bad.verdict, bad.action) == ("dcgm.targeted_power", "GPU 7", Verdict.FAIL, action)


@pytest.mark.parametrize("status", ["Skip", "Not Run", "Warn"])
def test_what_is_no_pass_is_none(status: str) -> None:
    """A skip, a test that did not run; and a warning on which DCGM itself wants somebody to act."""
    tests = _level(2)
    tests["memory"][3] = _gpu(3, status, 4 if status == "Warn" else None)
    assert not _accepted(judge_dcgm(read_dcgm_diag(_dcgm(tests)), 2, 8))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, 3, 4]), st.data())
def test_no_result_that_is_gone_is_a_pass(level: int, data: st.DataObject) -> None:
    """A whole test, or one GPU of one test."""
    tests = _level(level)
    name = data.draw(st.sampled_from(sorted(tests)))
    if data.draw(st.booleans()) and len(tests) > 1:
        del tests[name]
    else:
        del tests[name][data.draw(st.integers(0, 7))]
    assert not _accepted(judge_dcgm(read_dcgm_diag(_dcgm(tests)), level, 8))


def test_the_recorded_runs_are_not_accepted(samples: Path) -> None:
    """Persistence off is a matter of the configuration; a level of which half was skipped has proven nothing."""
    allowed = judge_dcgm(read_dcgm_diag((samples / "dcgm" / "gb10-level2-plugins-allowed.json").read_text()), 2, 1)
    assert {(c.id, c.action) for c in allowed if c.verdict is Verdict.FAIL} == {("dcgm.software", Action.RECONFIGURE)}
    gated = judge_dcgm(read_dcgm_diag((samples / "dcgm" / "gb10-level2-plugins-gated.json").read_text()), 2, 1)
    assert not _accepted(gated)


# --- NVLink -------------------------------------------------------------------------------------------------------


def test_the_recorded_a100_node_has_all_its_links(samples: Path) -> None:
    """Twelve at 25 GB/s on each of eight."""
    state = read_nvlink_state((samples / "nvidia-smi-qx" / "nvidia-smi.nvlink.status.a100").read_text())
    assert _accepted(judge_nvlink(state, _MODELS["a100-sxm-80gb"], len(state)))
    assert not _accepted(judge_nvlink(state, _MODELS["h100-sxm"], len(state)))
    assert not _accepted(judge_nvlink(state, _MODELS["a100-sxm-80gb"], 9))


def _links(value: str, gpus: int = 2) -> str:
    link = "".join(f"\t Link {n}: {value if n == 17 else '26.562 GB/s'}\n" for n in range(18))
    good = "".join(f"\t Link {n}: 26.562 GB/s\n" for n in range(18))
    return "".join(f"GPU {n}: H100 (UUID: GPU-{n})\n{link if n else good}" for n in range(gpus))


def test_one_inactive_link_of_the_last_gpu_is_named() -> None:
    """Its number stands in the advice; a slow one is told as slow."""
    checks = judge_nvlink(read_nvlink_state(_links("<inactive>")), _MODELS["h100-sxm"], 2)
    (bad,) = [c for c in checks if c.verdict is not Verdict.PASS]
    assert (bad.id, bad.entity, bad.advice) == ("nvlink.links", "GPU-1", "not up: 17")
    slow = judge_nvlink(read_nvlink_state(_links("12.5 GB/s")), _MODELS["h100-sxm"], 2)
    assert _bad(slow) == {("nvlink.speed", "GPU-1", Verdict.FAIL)}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("7", "7", Verdict.PASS),
        ("7", "8", Verdict.FAIL),
        ("7", "3", Verdict.UNKNOWN),
        ("N/A", "0", Verdict.UNKNOWN),
        ("0", "N/A", Verdict.UNKNOWN),
    ],
)
def test_nvlink_errors_count_from_the_load_on(before: str, after: str, verdict: Verdict) -> None:
    """What was there before accuses nobody; a counter that began anew or is gone tells nothing."""
    text = "GPU 0: H100 (UUID: GPU-0)\n\t Link 0: Replay Errors: {}\n\t Link 1: Replay Errors: 0\n"
    first, last = (read_nvlink_errors(text.format(v)) for v in (before, after))
    assert [c.verdict for c in judge_nvlink_errors(first, last, _COMMON.no_errors)] == [verdict]


# --- whole recorded nodes -----------------------------------------------------------------------------------------


def _whole(samples: Path, name: str, model: str) -> tuple[Check, ...]:
    smi = read_nvidia_smi((samples / "nvidia-smi-qx" / f"qx-{name}.xml").read_text())
    count = len(smi.gpus)
    sku = Sku(name=model, system_disk=DiskHint(), gpu_model=model, gpu_count=count)
    bus = PciBus(tuple(f"d{n}" for n in range(20)), tuple(f"g{n}" for n in range(count)))
    return judge_gpus(sku, _MODELS[model], bus, smi, _COMMON)


@pytest.mark.parametrize(("name", "model"), [("h100", "h100-sxm"), ("gb200", "gb200"), ("a100", "a100-sxm-40gb")])
def test_a_recorded_healthy_node_has_no_fault(samples: Path, name: str, model: str) -> None:
    """Of three generations: what one of them doesn't tell is not asked of it."""
    assert not _bad(_whole(samples, name, model))


def test_a_recorded_node_without_persistence_is_a_matter_of_the_configuration(samples: Path) -> None:
    """A real B200 node: nothing but that."""
    checks = _whole(samples, "b200", "b200-sxm")
    assert {c.id for c in checks if c.verdict is not Verdict.PASS} == {"gpu.persistence"}
    assert decide(BurnInReport(level="gate", checks=checks)).action is Action.RECONFIGURE


def test_a_degraded_fabric_and_a_failed_remap_are_told_by_their_own_checks(samples: Path) -> None:
    """The samples with injected faults; the heaviest decides."""
    degraded = {c.id for c in _whole(samples, "gb200-fabric-degraded", "gb200") if c.verdict is Verdict.FAIL}
    assert {"gpu.fabric.summary", "gpu.fabric.route_unhealthy"} <= degraded
    injected = _whole(samples, "gb200-ecc-injected", "gb200")
    assert ("gpu.remap.failure", Action.RMA) in {(c.id, c.action) for c in injected if c.verdict is Verdict.FAIL}
    assert decide(BurnInReport(level="gate", checks=injected)).action is Action.RMA


# --- GPUs under load ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def h100(samples: Path) -> NvidiaSmi:
    """The recorded node, with its links as they are under load."""
    smi = read_nvidia_smi((samples / "nvidia-smi-qx" / "qx-h100.xml").read_text())
    return replace(smi, gpus=tuple(replace(g, current_link_gen=5.0, current_link_width=16.0) for g in smi.gpus))


def _load(before: NvidiaSmi, **last: object) -> tuple[Check, ...]:
    """The last GPU changed in the looks during and after the load."""
    changed = replace(before, gpus=(*before.gpus[:-1], replace(before.gpus[-1], **last)))  # type: ignore[arg-type]
    return judge_gpu_load(before, changed, changed, 1.0, _MODELS["h100-sxm"], _COMMON)


def test_a_load_that_changes_nothing_passes(h100: NvidiaSmi) -> None:
    """The 106 to 174 replays since boot of a healthy node are no fault."""
    assert _accepted(_load(h100))
    assert not _bad(_load(h100))


@pytest.mark.parametrize(
    ("last", "check", "verdict"),
    [
        ({"current_link_gen": 3.0}, "gpu.load.link.generation", Verdict.FAIL),
        ({"current_link_width": 8.0}, "gpu.load.link.width", Verdict.FAIL),
        ({"throttles": ("hw_slowdown",)}, "gpu.load.throttle", Verdict.FAIL),
        ({"volatile_uncorrectable": 1.0}, "gpu.load.ecc.uncorrectable", Verdict.FAIL),
        ({"replay_counter": 1000.0}, "gpu.load.pcie.replays", Verdict.WARN),
        ({"replay_counter": 0.0}, "gpu.load.pcie.replays", Verdict.UNKNOWN),
        ({"current_link_gen": None}, "gpu.load.link.generation", Verdict.UNKNOWN),
        ({"throttles": None}, "gpu.load.throttle", Verdict.UNKNOWN),
        ({"volatile_uncorrectable": None}, "gpu.load.ecc.uncorrectable", Verdict.UNKNOWN),
        ({"throttle_us": {"hw_therm_slowdown": 5e6}}, "gpu.load.throttled.hw_therm_slowdown", Verdict.FAIL),
        ({"throttle_us": {}}, "gpu.load.throttled.hw_power_brake", Verdict.UNKNOWN),
    ],
)
def test_what_happens_under_load_counts(h100: NvidiaSmi, last: dict[str, object], check: str, verdict: Verdict) -> None:
    """Of the last GPU, by the check that is named for it; a value that is gone is unknown."""
    who = h100.gpus[-1].uuid
    assert (check, who, verdict) in _bad(_load(h100, **last))


def test_a_gpu_that_is_gone_after_the_load_is_unknown(h100: NvidiaSmi) -> None:
    """It fell off: no value of it passes."""
    left = replace(h100, gpus=h100.gpus[:-1])
    checks = judge_gpu_load(h100, left, left, 1.0, _MODELS["h100-sxm"], _COMMON)
    gone = [c for c in checks if c.entity == h100.gpus[-1].uuid]
    assert gone
    assert {c.verdict for c in gone} == {Verdict.UNKNOWN}


# --- port counters ------------------------------------------------------------------------------------------------

_QUIET = {
    "symbol_error": 3,
    "link_error_recovery": 0,
    "link_downed": 2,
    "port_rcv_errors": 0,
    "port_xmit_discards": 9,
    "local_link_integrity_errors": 0,
    "excessive_buffer_overrun_errors": 0,
}


def _counters(**changed: int | None) -> PortCounters:
    values = {n: v for n, v in {**_QUIET, **changed}.items() if v is not None}
    return PortCounters("mlx5_0/1", False, True, values, saturated(values))


def test_old_errors_accuse_nobody() -> None:
    """Two links that went down last year, and a few that no rate makes bad."""
    assert _accepted(judge_port_counters("p", _counters(), _counters(symbol_error=100), 1.0, _COMMON))


@pytest.mark.parametrize(
    ("before", "after", "check", "verdict"),
    [
        ({}, {"link_downed": 3}, "link_downed", Verdict.FAIL),
        ({}, {"symbol_error": 200}, "symbol_error", Verdict.FAIL),
        ({}, {"port_rcv_errors": 60_000}, "port_rcv_errors", Verdict.WARN),
        ({"link_downed": 255}, {"link_downed": 255}, "link_downed", Verdict.UNKNOWN),
        ({}, {"link_downed": 255}, "link_downed", Verdict.UNKNOWN),
        ({}, {"link_downed": 0}, "link_downed", Verdict.UNKNOWN),
        ({}, {"link_downed": None}, "link_downed", Verdict.UNKNOWN),
        ({"symbol_error": None}, {}, "symbol_error", Verdict.UNKNOWN),
    ],
)
def test_counters_by_what_grew(before: dict[str, int], after: dict[str, int], check: str, verdict: Verdict) -> None:
    """A saturated counter hides what came, a smaller one was cleared: unknown, with the order to clear it."""
    checks = judge_port_counters("p", _counters(**before), _counters(**after), 1.0, _COMMON)
    assert (f"infiniband.counter.{check}", "p", verdict) in _bad(checks)
    if verdict is Verdict.UNKNOWN and None not in (*before.values(), *after.values()):
        assert next(c for c in checks if c.id.endswith(check)).advice.startswith("clear the counter")


def test_counters_that_could_not_be_read_are_unknown() -> None:
    """Before, after, or a load of no length."""
    for before, after, hours in ((None, _counters(), 1.0), (_counters(), None, 1.0), (_counters(), _counters(), 0.0)):
        checks = judge_port_counters("p", before, after, hours, _COMMON)
        assert {c.verdict for c in checks} == {Verdict.UNKNOWN}
