"""The gate over whole bundles: what accepts, what each fault gives, and that nothing missing ever passes."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burn_in.bundle import CommandRecord
from burn_in.gate import Gate
from burn_in.judges.gpus import judge_gpus
from burn_in.judges.infiniband import judge_port
from burn_in.readers.ibstat import IbPort
from burn_in.readers.nvidia_smi import Gpu, NvidiaSmi, read_nvidia_smi
from burn_in.readers.pci import PciBus
from burn_in.readers.saquery import NodeRecord
from burn_in.readers.sminfo import SubnetManagerInfo
from burn_in.subnet_manager import FabricView, SubnetView
from tests.burn_in.bundles import (
    COMMON,
    H100,
    LOG,
    NO_DRIVER,
    NVLINK,
    THRESHOLDS,
    XIDS,
    Raw,
    bundle,
    check_of,
    command,
    judge,
    node,
    pci,
)
from tests.burn_in.wishes import Kept, wish
from workflows.model.desired import Interface, Mount
from workflows.model.verdict import BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast

_MOUNT = Mount(target="/data", source="10.0.0.1:/data", fstype="nfs", options=("rw", "vers=4", "hard", "_netdev"))
_MOUNTINFO = "99 22 0:50 / /data rw,noatime shared:9 - nfs4 10.0.0.1:/data rw,vers=4.2,hard\n"
_TRIAL = json.dumps({"mounted": True, "bytes": 1048576, "written": "a" * 64, "read": "a" * 64})
_GUID = "b8cef60300cc0011"


_VOLATILE = "<dram_uncorrectable>0</dram_uncorrectable>\n\t\t\t</volatile>"
# --- GPUs ---------------------------------------------------------------------------------------------------------


async def test_sku_without_gpus_says_so() -> None:
    """A report with that one check accepts, and names its evidence."""
    report = await judge(wish(), gpu=bundle("gpu", pci(0), NO_DRIVER))
    assert report.accepted
    assert "expects none" in check_of(report, "gpu.none").message
    assert len(check_of(report, "gpu.none").evidence) == 64


async def test_gpu_in_a_node_that_should_have_none_fails() -> None:
    """The bus shows it, though no driver does."""
    report = await judge(wish(), gpu=bundle("gpu", pci(1), NO_DRIVER))
    assert check_of(report, "gpu.none").verdict is Verdict.FAIL


async def test_recorded_h100_node_is_accepted(samples: Path) -> None:
    """Eight healthy GPUs."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    report = await judge(wish(**H100), gpu=node(8, xml))
    assert report.accepted, report.failures
    assert len({c.entity for c in report.checks if c.id == "gpu.model"}) == 8


@pytest.mark.parametrize(
    ("good", "bad", "check", "verdict"),
    [
        ("<remapped_row_failure>No", "<remapped_row_failure>Yes", "gpu.remap.failure", Verdict.FAIL),
        ("<remapped_row_pending>No", "<remapped_row_pending>Yes", "gpu.remap.pending", Verdict.FAIL),
        (_VOLATILE, _VOLATILE.replace("0<", "1<"), "gpu.ecc.uncorrectable", Verdict.FAIL),
        (_VOLATILE, _VOLATILE.replace("0<", "N/A<"), "gpu.ecc.uncorrectable", Verdict.UNKNOWN),
        ("<sram_threshold_exceeded>No", "<sram_threshold_exceeded>Yes", "gpu.ecc.sram_threshold", Verdict.FAIL),
        ("<current_ecc>Enabled", "<current_ecc>Disabled", "gpu.ecc.mode", Verdict.FAIL),
        ("<persistence_mode>Enabled", "<persistence_mode>Disabled", "gpu.persistence", Verdict.FAIL),
        ("<gpu_recovery_action>None", "<gpu_recovery_action>Reset", "gpu.recovery", Verdict.FAIL),
        ("<state>Completed", "<state>In Progress", "gpu.fabric.state", Verdict.FAIL),
        ("<status>Success", "<status>N/A", "gpu.fabric.status", Verdict.UNKNOWN),
        ("hw_slowdown>Not Active", "hw_slowdown>Active", "gpu.throttle", Verdict.FAIL),
        ("<max_link_width>16x", "<max_link_width>8x", "gpu.link.width", Verdict.FAIL),
        ("<max_link_gen>5", "<max_link_gen>4", "gpu.link.generation", Verdict.FAIL),
        ("<total>81559 MiB", "<total>40960 MiB", "gpu.memory", Verdict.FAIL),
        ("<current_power_limit>700.00", "<current_power_limit>350.00", "gpu.power.limit", Verdict.FAIL),
        ("<product_name>NVIDIA H100 80GB HBM3", "<product_name>NVIDIA H100 PCIe", "gpu.model", Verdict.FAIL),
        ("<attached_gpus>8", "<attached_gpus>7", "gpu.count.driver", Verdict.FAIL),
    ],
)
async def test_one_fault_in_one_h100_refuses_the_node(
    samples: Path, good: str, bad: str, check: str, verdict: Verdict
) -> None:
    """The recorded healthy node with one value of its *last* GPU changed: the others don't hide it."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    at = xml.rindex(good)
    broken = xml[:at] + bad + xml[at + len(good) :]
    report = await judge(wish(**H100), gpu=node(8, broken))
    assert not report.accepted
    assert check in {c.id for c in report.failures}
    assert {c.verdict for c in report.failures if c.id == check} == {verdict}


async def test_firmware_that_no_gpu_names_is_unknown_and_not_equal(samples: Path) -> None:
    """Eight times nothing is no version."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    report = await judge(wish(**H100), gpu=node(8, xml.replace("<vbios_version>96.00.99.00.01", "<vbios_version>N/A")))
    assert {(c.id, c.verdict) for c in report.failures} == {("gpu.vbios", Verdict.UNKNOWN)}
    mixed = xml.replace("<vbios_version>96.00.99.00.01", "<vbios_version>96.00.74.00.01", 1)
    report = await judge(wish(**H100), gpu=node(8, mixed))
    assert {(c.id, c.verdict) for c in report.failures} == {("gpu.vbios", Verdict.FAIL)}
    assert "96.00.74.00.01" in check_of(report, "gpu.vbios").advice


async def test_gpu_that_fell_off_the_driver_is_seen_by_the_bus(samples: Path) -> None:
    """Seven in the driver, eight on the bus; and the other way round."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    report = await judge(wish(**H100), gpu=node(7, xml))
    assert {c.id for c in report.failures} == {"gpu.count.bus"}


@pytest.mark.parametrize(
    ("other", "check", "verdict"),
    [
        (command("xid", "", rc=1, stderr="dmesg: read kernel buffer failed"), "output.xid", Verdict.ERROR),
        (command("xid", "not a log\n"), "output.xid", Verdict.ERROR),
        (command("xid", "[    1.000000] NVRM: Xid (PCI:0000:9b:00): 79, GPU has fallen\n"), "gpu.xid", Verdict.FAIL),
        (command("nvlink-status", rc=None, timed_out=True), "output.nvlink-status", Verdict.ERROR),
        (
            command("nvlink-status", str(NVLINK["stdout"]).replace("26.562", "13.281", 1)),
            "nvlink.speed",
            Verdict.FAIL,
        ),
    ],
)
async def test_the_kernel_log_and_nvlink_are_asked_too(samples: Path, other: Raw, check: str, verdict: Verdict) -> None:
    """What they say counts, and their silence is an error; the other checks still stand in the report."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    report = await judge(wish(**H100), gpu=node(8, xml, other))
    assert {(c.id, c.verdict) for c in report.failures} == {(check, verdict)}
    assert check_of(report, "gpu.count.bus").verdict is Verdict.PASS


async def test_an_output_that_the_level_asks_for_and_nobody_brought_is_an_error(samples: Path) -> None:
    """A probe that stopped before the kernel log."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    report = await judge(wish(**H100), gpu=bundle("gpu", pci(8), command("nvidia-smi", xml), NVLINK))
    assert {(c.id, c.verdict) for c in report.failures} == {("output.xid", Verdict.ERROR)}


async def test_what_was_brought_beyond_the_level_counts_too(samples: Path) -> None:
    """A clock that follows nobody, though the gate doesn't ask for it."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    log = command("xid", str(LOG["stdout"]))
    clock = command("chronyc", ",,0,0,0,0,0,0,0,0,0,0,0,Not synchronised\n")
    report = await judge(wish(**H100), gpu=node(8, xml, log, clock))
    assert {c.id.partition(".")[0] for c in report.failures} <= {"host", "output"}
    assert not report.accepted


async def test_the_report_says_what_took_how_long_and_which_versions_were_judged(samples: Path) -> None:
    """For the page: nothing of it is a check."""
    report = await judge(wish(**H100), gpu=node(8, (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()))
    assert [span.name for span in report.timeline] == ["pci", "nvidia-smi", "nvlink-status", "xid"]
    assert report.versions["NVIDIA driver"] == "580.105.08"
    assert report.versions["VBIOS"] == "96.00.99.00.01"
    assert {p.name for c in report.checks if c.id == "gpu.memory" if (p := report.part(c.entity))} == {
        f"GPU {n}" for n in range(8)
    }
    first = report.part("0000:53:00")
    assert first is not None
    assert (first.name, first.place, first.serial) == ("GPU 0", "0000:53:00.0", "1650000000001")


async def test_unknown_model_is_unknown(samples: Path) -> None:
    """However healthy it looks."""
    xml = (samples / "nvidia-smi-qx" / "qx-b200.xml").read_text()
    sku = {"name": "x", "gpu_model": "b9000", "gpu_count": 8}
    report = await judge(wish(**sku), gpu=node(8, xml))
    assert not report.accepted
    assert check_of(report, "gpu.model").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("count", [0, 8])
async def test_half_a_sku_is_not_accepted(count: int) -> None:
    """A model without a count, or a count without a model."""
    sku = {"name": "x", "gpu_count": count, **({"gpu_model": "h100-sxm"} if count == 0 else {})}
    log = "<nvidia_smi_log><driver_version>1</driver_version><attached_gpus>0</attached_gpus></nvidia_smi_log>"
    report = await judge(wish(**sku), gpu=node(0, log))
    assert not report.accepted


# --- what is missing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bundle",
    [
        b"",
        b"not json",
        bundle("mounts"),
        bundle("gpu"),
        bundle("gpu", pci(0), NO_DRIVER, error="killed at its deadline of 300 s", timed_out=True),
        bundle("gpu", command("pci", rc=None, timed_out=True), NO_DRIVER),
        bundle("gpu", command("pci", "", rc=1), NO_DRIVER),
        bundle("gpu", {**pci(0), "truncated": True}, NO_DRIVER),
        bundle("gpu", pci(0)),
    ],
)
async def test_broken_evidence_is_an_error(bundle: bytes) -> None:
    """Empty, foreign, cut, killed: ERROR, also where the rest looks good."""
    report = await judge(wish(), gpu=bundle)
    assert not report.accepted
    assert {c.verdict for c in report.failures} == {Verdict.ERROR}


async def test_missing_bundle_is_an_error() -> None:
    """Whichever of the wanted ones it is."""
    desired = wish(mounts=(_MOUNT,), interfaces=(Interface(name="ib0", guid=_GUID),), infiniband_ports=1)
    assert list(Gate(Kept()).probes(desired)) == ["gpu", "infiniband", "mounts"]
    report = await judge(desired, gpu=bundle("gpu", pci(0), NO_DRIVER))
    assert {c.id for c in report.failures} == {"infiniband.bundle", "mounts.bundle"}


async def test_hung_nvidia_smi_is_an_error() -> None:
    """On a node that should have GPUs."""
    report = await judge(wish(**H100), gpu=bundle("gpu", pci(8), command("nvidia-smi", rc=None, timed_out=True)))
    assert check_of(report, "gpu.reading").verdict is Verdict.ERROR


async def test_level_that_did_not_run_is_an_error() -> None:
    """A sku that asks for a soak isn't accepted on a gate."""
    report = await judge(wish(level="soak"), gpu=bundle("gpu", pci(0), NO_DRIVER))
    assert {c.id for c in report.failures} == {"level"}


async def test_node_without_profile_is_not_accepted() -> None:
    """There is nothing to judge it against."""
    report = await judge(wish().model_copy(update={"profile": None}))
    assert not report.accepted


# --- mounts -------------------------------------------------------------------------------------------------------


async def _mounts(info: str = _MOUNTINFO, trial: Raw | None = None) -> BurnInReport:
    trial = command("trial /data", _TRIAL) if trial is None else trial
    commands = (command("mountinfo", info), *((trial,) if trial else ()))
    return await judge(wish(mounts=(_MOUNT,)), gpu=bundle("gpu", pci(0), NO_DRIVER), mounts=bundle("mounts", *commands))


async def test_good_mount_is_accepted() -> None:
    """``vers=4`` is met by 4.2; what only fstab knows isn't looked for."""
    report = await _mounts()
    assert report.accepted, report.failures


@pytest.mark.parametrize(
    ("info", "check"),
    [
        (_MOUNTINFO.replace("10.0.0.1:/data", "10.0.0.2:/data"), "mount.present"),
        (_MOUNTINFO.replace(" /data ", " /elsewhere "), "mount.present"),
        (_MOUNTINFO.replace("nfs4", "ext4"), "mount.type"),
        (_MOUNTINFO.replace(",hard", ",soft"), "mount.options"),
        (_MOUNTINFO.replace("vers=4.2", "vers=3"), "mount.options"),
        (_MOUNTINFO.replace("rw,noatime", "ro,noatime"), "mount.writable"),
        (_MOUNTINFO + "100 22 0:51 / /data rw - tmpfs tmpfs rw\n", "mount.present"),
        ("", "mounts.reading"),
    ],
)
async def test_wrong_mount_fails(info: str, check: str) -> None:
    """Another source, type or option, read only, hidden by a later mount, or none."""
    report = await _mounts(info)
    assert check in {c.id for c in report.failures}


@pytest.mark.parametrize(
    ("trial", "verdict"),
    [
        (command("trial /data", rc=None, timed_out=True, seconds=15), Verdict.FAIL),
        (command("trial /data", stderr="/data: Read-only file system", rc=1), Verdict.FAIL),
        (command("trial /data", '{"mounted": false}'), Verdict.FAIL),
        (command("trial /data", _TRIAL.replace('"read": "a', '"read": "b')), Verdict.FAIL),
        (command("trial /data", '{"mounted": true, "bytes": 0, "written": "", "read": ""}'), Verdict.FAIL),
        (command("trial /data", "[]"), Verdict.ERROR),
        (command("trial /data", ""), Verdict.ERROR),
        (command("trial /other", _TRIAL), Verdict.ERROR),
    ],
)
async def test_failed_trial_fails(trial: Raw, verdict: Verdict) -> None:
    """A hung server, an error, a changed byte, nothing written, no answer."""
    assert check_of(await _mounts(trial=trial), "mount.trial").verdict is verdict


# --- InfiniBand ---------------------------------------------------------------------------------------------------

_PORT = IbPort("mlx5_0", 1, _GUID, "Active", "LinkUp", 400.0, 6, 1, "InfiniBand")
_MASTER = SubnetManagerInfo(1, "b8cef60300cc0081", 0, "SMINFO_MASTER")
_VIEW = SubnetView(_MASTER, "gpu01 mlx5_0", NodeRecord(6, _GUID, "gpu01 mlx5_0"), (), b"raw", frozenset({0xFFFF}))
_NO_LINKS = FabricView(None, "nobody was asked", b"raw")


def _port(
    port: IbPort | None = _PORT, manager: SubnetManagerInfo | None = _MASTER, view: SubnetView | None = _VIEW
) -> tuple[Check, ...]:
    profile = wish(infiniband_ports=1, infiniband_rate_gbps=400).profile
    assert profile is not None
    return judge_port(profile.sku, _GUID, [port] if port else [], {"mlx5_0/1": manager}, view)


def test_registered_port_passes() -> None:
    """Node and manager agree."""
    assert {c.verdict for c in _port()} == {Verdict.PASS}


_STANDBY = replace(_MASTER, state="SMINFO_STANDBY")


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (lambda: _port(port=None), "infiniband.port"),
        (lambda: _port(replace(_PORT, state="Initializing")), "infiniband.port"),
        (lambda: _port(replace(_PORT, physical_state="Polling")), "infiniband.port"),
        (lambda: _port(replace(_PORT, link_layer="Ethernet")), "infiniband.port"),
        (lambda: _port(replace(_PORT, lid=0)), "infiniband.lid"),
        (lambda: _port(replace(_PORT, lid=0xFFFF)), "infiniband.lid"),
        (lambda: _port(replace(_PORT, sm_lid=0)), "infiniband.lid"),
        (lambda: _port(replace(_PORT, rate_gbps=200.0)), "infiniband.rate"),
        (lambda: _port(manager=None), "infiniband.manager"),
        (lambda: _port(manager=_STANDBY), "infiniband.manager"),
        (lambda: _port(manager=replace(_MASTER, lid=2)), "infiniband.manager"),
        (lambda: _port(view=replace(_VIEW, manager=None)), "infiniband.subnet_manager"),
        (lambda: _port(view=replace(_VIEW, manager=_STANDBY)), "infiniband.subnet_manager"),
        (lambda: _port(view=replace(_VIEW, description=None)), "infiniband.registered"),
        (lambda: _port(view=replace(_VIEW, record=None)), "infiniband.registered_lid"),
        (lambda: _port(view=replace(_VIEW, record=NodeRecord(6, "f" * 16, "x"))), "infiniband.registered_lid"),
        (lambda: _port(view=replace(_VIEW, record=NodeRecord(7, _GUID, "x"))), "infiniband.registered_lid"),
        (lambda: _port(view=None), "infiniband.registered"),
    ],
)
def test_each_fault_of_a_port_fails(fault: Callable[[], tuple[Check, ...]], check: str) -> None:
    """One thing wrong; whatever else it touches, the check that is named for it says so."""
    assert check in [c.id for c in fault() if c.verdict is not Verdict.PASS]


@pytest.mark.parametrize(
    "interfaces",
    [
        (),
        (Interface(name="ib0", guid=_GUID), Interface(name="ib1", guid=_GUID)),
        (Interface(name="ib0", guid=_GUID), Interface(name="ib1", guid="b8:ce:f6")),
    ],
)
async def test_inventory_must_name_every_port(interfaces: tuple[Interface, ...]) -> None:
    """None, one twice, one that is no GUID: two ports were wanted."""
    silent = bundle("infiniband", command("ibstat", "no port"))
    report = await judge(
        wish(interfaces=interfaces, infiniband_ports=2), gpu=bundle("gpu", pci(0), NO_DRIVER), infiniband=silent
    )
    assert not report.accepted


# --- the law: nothing missing ever passes -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def h100(samples: Path) -> NvidiaSmi:
    """The recorded node."""
    return read_nvidia_smi((samples / "nvidia-smi-qx" / "qx-h100.xml").read_text())


_NOT_JUDGED = {
    "pci_address", "serial", "current_link_gen", "current_link_width", "replay_counter", "power_draw_w",
    "default_power_limit_w", "max_power_limit_w", "temperature_c", "memory_temperature_c", "sm_clock_mhz",
    "max_sm_clock_mhz", "volatile_correctable", "aggregate_uncorrectable", "remap_correctable", "remap_uncorrectable",
    "retired_pages_pending", "fabric_clique", "fabric_cluster", "fabric_health", "throttle_us", "troubles",
}  # fmt: skip
_JUDGED = [f.name for f in fields(Gpu) if f.name not in _NOT_JUDGED]


@settings(max_examples=150, deadline=None)
@given(
    lost=st.sets(st.sampled_from(_JUDGED), min_size=1),
    which=st.integers(0, 7),
)
def test_no_missing_gpu_value_is_a_pass(h100: NvidiaSmi, lost: set[str], which: int) -> None:
    """Any value that a check reads, gone on any one GPU, refuses the node."""
    gpus = list(h100.gpus)
    gpus[which] = replace(gpus[which], **dict.fromkeys(lost))  # type: ignore[arg-type]
    sku = wish(**H100).profile
    assert sku is not None
    bus = PciBus(tuple(f"d{n}" for n in range(20)), tuple(f"g{n}" for n in range(8)))
    checks = judge_gpus(sku.sku, THRESHOLDS["h100-sxm"], bus, replace(h100, gpus=tuple(gpus)), COMMON)
    assert not BurnInReport(level="gate", checks=checks).accepted


@settings(max_examples=200, deadline=None)
@given(drop=st.sets(st.sampled_from(["pci", "nvidia-smi", "ibstat", "sminfo", "mountinfo", "trial"]), min_size=1))
async def test_no_missing_command_is_a_pass(drop: set[str]) -> None:
    """Any set of commands that a probe did not come to refuses the node; all of them there accepts it."""
    ibstat = (
        "CA 'mlx5_0'\n\tPort 1:\n\t\tState: Active\n\t\tPhysical state: LinkUp\n\t\tRate: 400\n\t\tBase lid: 6\n"
        f"\t\tSM lid: 1\n\t\tPort GUID: 0x{_GUID}\n\t\tLink layer: InfiniBand\n"
    )
    sminfo = "sminfo: sm lid 1 sm guid 0xb8cef60300cc0081, activity count 4 priority 0 state 3 SMINFO_MASTER\n"
    commands: dict[str, tuple[str, Raw]] = {
        "pci": ("gpu", pci(0)),
        "nvidia-smi": ("gpu", NO_DRIVER),
        "ibstat": ("infiniband", command("ibstat", ibstat)),
        "sminfo": ("infiniband", command("sminfo mlx5_0/1", sminfo)),
        "mountinfo": ("mounts", command("mountinfo", _MOUNTINFO)),
        "trial": ("mounts", command("trial /data", _TRIAL)),
    }

    class Subnet:
        async def see(self, guid: str, lid: int) -> SubnetView:
            return _VIEW

        async def links(self) -> FabricView:
            return _NO_LINKS

    async def accepted(dropped: set[str]) -> bool:
        bundles = {
            probe: bundle(probe, *(c for name, (of, c) in commands.items() if of == probe and name not in dropped))
            for probe in ("gpu", "infiniband", "mounts")
        }
        desired = wish(mounts=(_MOUNT,), interfaces=(Interface(name="ib0", guid=_GUID),), infiniband_ports=1)
        return (await Gate(Kept(), Subnet(), THRESHOLDS, COMMON, XIDS).judge(desired, bundles)).accepted

    assert await accepted(set())
    assert not await accepted(drop)


def test_an_output_that_was_cut_short_is_not_whole_whatever_its_exit_status() -> None:
    record = CommandRecord(name="pci", argv=("lspci",), rc=0, stdout="half of it")
    assert record.whole
    cut = record.model_copy(update={"truncated": True})
    assert (cut.whole, cut.trouble) == (False, "lspci printed more than is kept")
