"""The gate at levels with loads: each look that they ask for counts, and what a tool's exit status means."""

from pathlib import Path

import pytest

from tests.burn_in.bundles import H100, NO_DRIVER, bundle, command, judge, node, pci
from tests.burn_in.wishes import wish
from workflows.model.desired import Interface
from workflows.model.verdict import Verdict

pytestmark = pytest.mark.fast

GUID = "b8cef60300cc0011"


@pytest.mark.parametrize("rc", [0, 226, 205])
async def test_dcgm_s_exit_status_is_a_result(samples: Path, rc: int) -> None:
    """226 and 205 mean that it ran and found something: its JSON says what, and that is what counts."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    diag = command("dcgm-diag", (samples / "dcgm" / "gb10-level1.json").read_text(), rc)
    report = await judge(wish(**H100), gpu=node(8, xml, diag))
    assert {"dcgm.software"} <= {c.id for c in report.failures}
    assert "output.dcgm-diag" not in {c.id for c in report.checks}


async def test_a_load_without_its_looks_is_an_error(samples: Path) -> None:
    """At a level with loads: the gate's evidence alone does not accept."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    report = await judge(wish(level="quick", **H100), gpu=node(8, xml))
    assert {c.id for c in report.failures} == {"output.dcgm-diag", "output.nvbandwidth", "gpu.load", "nvlink.errors"}


async def test_what_a_load_did_to_the_gpus_is_judged(samples: Path) -> None:
    """A GPU that throttled in its midst, links that counted errors, and no model's word for it being well."""
    xml = (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text()
    hot = xml.replace("hw_thermal_slowdown>Not Active", "hw_thermal_slowdown>Active", 1)
    links = command(
        "nvlink-errors", "".join(f"GPU {n}: H (UUID: GPU-{n})\n\t Link 0: CRC Errors: 0\n" for n in range(8))
    )
    worse = {**links, "name": "nvlink-errors after", "stdout": str(links["stdout"]).replace(": 0\n", ": 3\n", 1)}
    loads = (
        links,
        command("gpu-burn", seconds=60),
        command("nvidia-smi during", hot),
        command("nvidia-smi after", xml),
        worse,
    )
    report = await judge(wish(level="quick", **H100), gpu=node(8, xml, *loads))
    assert [c.verdict for c in report.checks if c.id == "gpu.load.throttle"].count(Verdict.FAIL) == 1
    assert [c.verdict for c in report.checks if c.id == "nvlink.errors"].count(Verdict.FAIL) == 1


async def test_a_host_that_cannot_tell_is_told_and_one_that_is_sick_is_not_accepted(samples: Path) -> None:
    """No chrony is a warning; an uncorrectable error of its memory, or a tool that hangs, keeps it out."""
    gpu = node(8, (samples / "nvidia-smi-qx" / "qx-h100.xml").read_text())
    edac = "/sys/devices/system/edac/mc/mc0/ce_count:0\n/sys/devices/system/edac/mc/mc0/ue_count:{}\n"
    absent = command("chronyc", rc=127, stderr="chronyc: No such file or directory")
    for errors, clock, accepted in (
        (0, absent, True),
        (1, absent, False),
        (0, {**absent, "rc": None, "timed_out": True}, False),
    ):
        host = bundle("host", command("edac", edac.format(errors)), clock)
        assert (await judge(wish(**H100), gpu=gpu, host=host)).accepted is accepted


async def test_a_port_s_load_and_its_counters_are_judged() -> None:
    """Too slow, an error that grew, a look that is missing: each is told, at a level with loads."""
    ibstat = (
        "CA 'mlx5_0'\n\tPort 1:\n\t\tState: Active\n\t\tPhysical state: LinkUp\n\t\tRate: 400\n\t\tBase lid: 6\n"
        f"\t\tSM lid: 1\n\t\tPort GUID: 0x{GUID}\n\t\tLink layer: InfiniBand\n"
    )
    rule = "-" * 40 + "\n"
    head = " #bytes #iterations BW peak[Gb/sec] BW average[Gb/sec] MsgRate[Mpps]"
    table = f"{rule}{head}\n 8388608 2000 395 {{}} 0.005\n{rule}"
    names = ("symbol_error", "link_error_recovery", "link_downed", "port_rcv_errors", "port_xmit_discards")
    rest = ("excessive_buffer_overrun_errors", "local_link_integrity_errors")
    port = {"state": "4: ACTIVE", "phys_state": "5: LinkUp", "link_layer": "InfiniBand", "rate": "400 Gb/sec (4X NDR)"}

    def tree(downs: int) -> str:
        counts = dict.fromkeys((*names, *rest), 0) | {"link_downed": downs}
        files = {**port, **{f"counters/{n}": str(v) for n, v in counts.items()}}
        return "".join(f"/sys/class/infiniband/mlx5_0/ports/1/{name}:{value}\n" for name, value in files.items())

    async def failures(gbits: float, downs: int, *, after: bool = True) -> set[str]:
        commands = [command("sysfs-ib", tree(0)), command("ibstat", ibstat)]
        commands += [command("perftest mlx5_0/1", table.format(gbits), seconds=60)]
        commands += [command("sysfs-ib after", tree(downs))] if after else []
        desired = wish(
            level="quick", interfaces=(Interface(name="ib0", guid=GUID),), infiniband_ports=1, infiniband_rate_gbps=400
        )
        report = await judge(desired, gpu=bundle("gpu", pci(0), NO_DRIVER), infiniband=bundle("infiniband", *commands))
        return {c.id for c in report.failures if c.id.startswith(("infiniband.band", "infiniband.count", "output"))}

    assert await failures(394.0, 0) == set()
    assert await failures(284.0, 0) == {"infiniband.bandwidth"}
    assert await failures(394.0, 1) == {"infiniband.counter.link_downed"}
    assert await failures(394.0, 0, after=False) == {"infiniband.counters"}
