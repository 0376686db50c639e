"""What the readers say of recorded outputs and of faults in them: every part, no value that isn't there, no half output."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from burn_in.readers.dcgm_diag import DcgmStatus, DcgmWarning, read_dcgm_diag
from burn_in.readers.iblinkinfo import read_iblinkinfo
from burn_in.readers.ibnetdiscover import read_ibnetdiscover
from burn_in.readers.ibstat import read_ibstat
from burn_in.readers.nvidia_smi import read_nvidia_smi
from burn_in.readers.nvlink import NvLink, read_nvlink_errors, read_nvlink_state
from burn_in.readers.port_counters import read_perfquery
from burn_in.readers.sysfs_ib import read_sysfs_ib
from burn_in.readers.unreadable import Unreadable
from burn_in.readers.xid import read_xids

pytestmark = pytest.mark.fast


# --- nvidia-smi ---------------------------------------------------------------------------------------------------


def test_words_around_the_xml_are_kept_as_remarks(samples: Path) -> None:
    """A shell's warning before it, nvidia-smi's own after it; Windows line ends change nothing."""
    xml = (samples / "nvidia-smi-qx" / "qx-t4.xml").read_text()
    said = "WARNING: infoROM is corrupted at gpu 0000:00:1E.0"
    plain, copied = (
        read_nvidia_smi(xml),
        read_nvidia_smi(f"\ufeffmotd\r\n{xml.replace(chr(10), chr(13) + chr(10))}{said}\r\n"),
    )
    assert copied.remarks == ("motd", said)
    assert replace(copied, remarks=()) == plain


def test_a_gpu_that_is_lost_says_so(samples: Path) -> None:
    """Its values are gone, and the words that stand for them are kept."""
    xml = (samples / "nvidia-smi-qx" / "qx-t4.xml").read_text()
    gpu = read_nvidia_smi(xml.replace("<total>15360 MiB</total>", "<total>GPU is lost</total>")).gpus[0]
    assert (gpu.memory_mib, gpu.troubles) == (None, ("GPU is lost",))


def test_a_counted_error_is_a_number_though_another_counter_has_none(samples: Path) -> None:
    """Five uncorrectable errors beside ``N/A`` are at least five; no error beside ``N/A`` is not known to be none."""
    xml = (samples / "nvidia-smi-qx" / "qx-gb200-ecc-injected.xml").read_text()
    assert [g.volatile_uncorrectable for g in read_nvidia_smi(xml).gpus] == [5, None]


def test_an_unhealthy_fabric_is_told(samples: Path) -> None:
    """State and status are those of a healthy one."""
    gpus = read_nvidia_smi((samples / "nvidia-smi-qx" / "qx-gb200-fabric-degraded.xml").read_text()).gpus
    assert [g.fabric_health["summary"] for g in gpus] == ["Healthy", "Unhealthy"]


# --- NVLink -------------------------------------------------------------------------------------------------------

_ERRORS = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n" + "".join(
    f"\t Link {n}: {name} Errors: {count}\n"
    for n, count in ((0, "0"), (1, "7"))
    for name in ("Replay", "Recovery", "CRC")
)


def test_nvlink_of_a_recorded_node(samples: Path) -> None:
    """Eight GPUs with twelve links; one that is down stays in the list."""
    text = (samples / "nvidia-smi-qx" / "nvidia-smi.nvlink.status.a100").read_text()
    assert [len(g.links) for g in read_nvlink_state(text)] == [12] * 8
    gpu = read_nvlink_state(text.replace("Link 3: 25 GB/s", "Link 3: <inactive>", 1))[0]
    assert gpu.links[3] == NvLink(3, None)


def test_a_gpu_with_fewer_links_than_its_sisters_was_cut_off(samples: Path) -> None:
    """At a line's end, in the last GPU."""
    text = (samples / "nvidia-smi-qx" / "nvidia-smi.nvlink.status.a100").read_text()
    with pytest.raises(Unreadable, match="others 12"):
        read_nvlink_state(text[: text.rindex("\n") + 1])


def test_an_adapter_without_its_port_was_cut_off() -> None:
    """It says how many it has."""
    port = "\tPort 1:\n\t\tState: Active\n\t\tPhysical state: LinkUp\n\t\tRate: 400\n\t\tBase lid: 6\n\t\tSM lid: 1\n"
    whole = f"CA 'mlx5_0'\n\tNumber of ports: 1\n{port}\t\tPort GUID: 0xb8cef60300cc0011\n\t\tLink layer: InfiniBand\n"
    assert len(read_ibstat(whole)) == 1
    with pytest.raises(Unreadable, match="another number of ports"):
        read_ibstat(whole.replace("ports: 1", "ports: 2"))


def test_nvlink_errors() -> None:
    """By link and the tool's own names."""
    counted = read_nvlink_errors(_ERRORS)[0].links[1].counters
    assert counted == {"Replay Errors": 7.0, "Recovery Errors": 7.0, "CRC Errors": 7.0}


def test_a_gpu_without_nvlink_is_not_a_cut_output() -> None:
    """The tool says why it has none; without a word it is refused."""
    text = "GPU 0: NVIDIA L40S (UUID: GPU-1)\n"
    why = "NVML: Unable to retrieve NVLink information as all links are inActive"
    assert read_nvlink_state(text + why)[0].remarks == (why,)
    with pytest.raises(Unreadable):
        read_nvlink_state(text)


# --- DCGM ---------------------------------------------------------------------------------------------------------


def _dcgm3(status: str = "PASS") -> str:
    tests = [
        {"name": "Denylist", "results": [{"gpu_ids": "0,1,2,3,4,5,6,7", "status": "PASS"}]},
        None,
        {"name": "Memory", "results": [
            {"gpu_ids": str(n), "status": status if n == 7 else "PASS", "warnings": ["bad cell"] if n == 7 else []}
            for n in range(8)
        ]},
    ]  # fmt: skip
    root = {
        "version": "3.1.8",
        "Driver Version Detected": "535.1",
        "test_categories": [{"category": "A", "tests": tests}],
    }
    return "Some warning {braces}\n" + json.dumps({"DCGM GPU Diagnostic": root}, indent=1)


def test_every_result_of_dcgm_3_counts() -> None:
    """One result for all GPUs is one for each of them, and the eighth one's failure is among them."""
    diag = read_dcgm_diag(_dcgm3("FAIL"))
    assert (diag.version, diag.driver, len(diag.results)) == ("3.1.8", "535.1", 16)
    failed = [(r.test, r.entity, r.warnings) for r in diag.results if r.status is DcgmStatus.FAIL]
    assert failed == [("Memory", 7, (DcgmWarning("bad cell", None, None, None),))]


def test_dcgm_4_keeps_the_numbers_of_a_warning(samples: Path) -> None:
    """Error 29, severity 5: a matter of configuration."""
    diag = read_dcgm_diag((samples / "dcgm" / "gb10-level1.json").read_text())
    assert [(w.error_id, w.category, w.severity) for r in diag.results for w in r.warnings] == [(29, 8, 5)]
    assert diag.entities[0].serial is None


@pytest.mark.parametrize(("word", "status"), [("SKIPPED", DcgmStatus.SKIP), ("Not Run", DcgmStatus.NOT_RUN)])
def test_a_skipped_test_is_no_pass(word: str, status: DcgmStatus) -> None:
    """In whichever version's words."""
    assert [r.status for r in read_dcgm_diag(_dcgm3(word)).results][-1] is status


@pytest.mark.parametrize(
    "text",
    [
        _dcgm3("Great"),
        _dcgm3().replace('"0,1,2,3,4,5,6,7"', '"all"'),
        '{"DCGM Diagnostic": {"test_categories": []}}',
        '{"something": 1}',
        "Error: unable to establish a connection to the specified host: localhost\n",
        _dcgm3() + "\n{}",
    ],
)
def test_what_dcgm_does_not_say_is_refused(text: str) -> None:
    """A status of its own, GPUs that can't be told, no test at all, another document, none, two."""
    with pytest.raises(Unreadable):
        read_dcgm_diag(text)


def test_dcgm_that_could_not_run_says_why() -> None:
    """A run without results is readable, and has an error."""
    diag = read_dcgm_diag('{"DCGM Diagnostic": {"runtime_error": "no GPU"}, "metadata": {"version": "4.2.3"}}')
    assert (diag.runtime_error, diag.results) == ("no GPU", ())


# --- Xid ----------------------------------------------------------------------------------------------------------


def test_xids_of_a_recorded_log(samples: Path) -> None:
    """Five reports of one GPU; a call trace and the driver's other lines are none."""
    log = read_xids((samples / "xid" / "dmesg-with-xid-119.log").read_text())
    assert [(x.address, x.code) for x in log.xids] == [("0000:9b:00", 119)] * 5
    assert log.xids[0].process == "nvidia-smi (2024380)"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (
            "[   12.345678] NVRM: Xid (PCI:0000:9b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
            79,
        ),
        ("2026-11-24T10:00:00,123456+00:00 NVRM: Xid (PCI:0000:9b:00): 48, DBE (double bit error)", 48),
        ("Nov 24 10:00:00 gpu-001 kernel: [ 12.3] NVRM: Xid (PCI:0000:9b:00): 13, Graphics Exception", 13),
        (
            "Nov 24 09:59:59 n systemd[1]: Started.\nNov 24 10:00:00 n kernel: NVRM: Xid (PCI:0000:9b:00): 31, x",
            31,
        ),
        ("kern  :err   : [   12.345678] NVRM: Xid (PCI:0000:9b:00): 94, Contained: SM (0x1)", 94),
        ("[    1.000000] NVRM: Xid (0000:03:00): 154, GPU recovery action changed from 0x0 (None) to 0x1", 154),
    ],
)
def test_an_xid_in_any_log(line: str, code: int) -> None:
    """As dmesg, journalctl and syslog write it."""
    assert [x.code for x in read_xids(line + "\n").xids] == [code]


def test_an_nvswitch_s_report_is_an_sxid() -> None:
    """Another catalogue, so another list."""
    line = "[ 12.3] nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS crumbstore MCTO\n"
    log = read_xids(line)
    assert ([x.code for x in log.xids], [x.code for x in log.sxids]) == ([], [28006])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dmesg: read kernel buffer failed: Operation not permitted\n",
        "[ 1.0] fine\n[ 2.0] NVRM: Xid (PCI:0000:9b:0",
        "[ 1.0] NVRM: Xid (PCI:0000:9b:00) 79\n",
        "all is well\n",
    ],
)
def test_no_log_is_not_a_log_without_xids(text: str) -> None:
    """Empty, refused, cut, another form, another text."""
    with pytest.raises(Unreadable):
        read_xids(text)


# --- fabric -------------------------------------------------------------------------------------------------------


def test_every_adapter_s_peer_is_in_the_topology(samples: Path) -> None:
    """By port GUID: what is compared with the inventory's cables."""
    fabric = read_ibnetdiscover((samples / "ib-sim" / "ibnetdiscover-ok.txt").read_text())
    peers = {e.here.port_guid: (e.there.name, e.there.port, e.speed) for e in fabric.links if e.here.kind == "adapter"}
    assert (fabric.switches, fabric.adapters, len(peers)) == (4, 8, 8)
    assert peers["b8cef60300cc0031"] == ("leaf01", 3, "4xHDR")
    unlinked = read_ibnetdiscover((samples / "ib-sim" / "ibnetdiscover-gpu03-unlinked.txt").read_text())
    assert "b8cef60300cc0031" not in {e.here.port_guid for e in unlinked.links}


def test_topologies_and_reports_of_other_sites(samples: Path) -> None:
    """Attributes behind the speed, GUIDs without leading zeros, the ports report, names without quotes."""
    fabric = read_ibnetdiscover((samples / "fabric" / "ib_traffic_topo_aware_ibnetdiscover.txt").read_text())
    assert (fabric.switches, fabric.adapters) == (8, 10)
    reports = samples / "fabric" / "collectors" / "fixtures" / "ibnetdiscover"
    report = read_ibnetdiscover((reports / "test.out").read_text())
    assert (len(report.links), len(report.unlinked)) == (7, 2)
    assert len(read_ibnetdiscover((reports / "test3.out").read_text()).unlinked) == 1


def test_a_topology_that_lost_its_last_adapter_is_cut(samples: Path) -> None:
    """At a line's end, where nothing but the missing section shows it."""
    text = (samples / "ib-sim" / "ibnetdiscover-ok.txt").read_text()
    with pytest.raises(Unreadable, match="cut"):
        read_ibnetdiscover(text[: text.rindex("vendid=")])


def test_slow_links_of_iblinkinfo(samples: Path) -> None:
    """Width and lane rate as they are, and what they could be; a port that is down has neither."""
    ports = read_iblinkinfo((samples / "ib-sim" / "iblinkinfo-slow.txt").read_text())
    slow = {(p.node, p.width, p.lane_gbps) for p in ports if p.kind == "CA"}
    assert {("gpu05 mlx5_0", "1X", 53.125), ("gpu06 mlx5_0", "4X", 10.0)} < slow
    down = next(p for p in ports if p.state == "Down")
    assert (down.width, down.lane_gbps, down.peer) == (None, None, "")


def test_counters_have_sysfs_s_names_and_saturate(samples: Path) -> None:
    """65535 symbol errors are *at least* that many; an extended set counts on."""
    text = (samples / "ib-sim" / "perfquery-errors.txt").read_text()
    plain = read_perfquery(text)[0]
    assert (plain.port, plain.counters["symbol_error"], plain.counters["link_downed"], plain.saturated) == (
        "7/1",
        120,
        2,
        (),
    )
    assert read_perfquery(text.replace("........120\n", "........65535\n"))[0].saturated == ("symbol_error",)
    directory = samples / "fabric" / "collectors" / "fixtures" / "perfquery"
    ports = read_perfquery((directory / "0x7cfe9003009ce5b0.out").read_text())
    assert [p.port for p in ports] == ["1719/1", "1719/2"]
    assert all(p.extended and p.errors and not p.saturated for p in ports)


def test_an_extended_set_alone_has_no_error_counters(samples: Path) -> None:
    """So nobody takes their absence for zero."""
    port = read_perfquery((samples / "ib-sim" / "perfquery-x-clean.txt").read_text())[0]
    assert (port.errors, "symbol_error" in port.counters) == (False, False)


def test_the_recorded_tree_of_an_h100_node(samples: Path) -> None:
    """Eight InfiniBand ports and an Ethernet bond; the one whose link counter stands at 255 is told; no LID files."""
    tree = samples / "sysfs-ib" / "sys-class-infiniband-h100.0"
    text = "".join(f"{p}:{p.read_text().strip()}\n" for p in sorted(tree.rglob("*")) if p.is_file())
    ports = [p for d in read_sysfs_ib(text) for p in d.ports]
    assert [(p.rate_gbps, p.link_layer) for p in ports] == [(400.0, "InfiniBand")] * 8 + [(200.0, "Ethernet")]
    assert [p.device for p in ports if p.counters and "link_downed" in p.counters.saturated] == ["mlx5_1"]
    assert {p.lid for p in ports} == {None}
