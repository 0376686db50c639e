"""Recorded trees of real machines are read right: which System, who it is, what it has, what it takes."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.redfish_tree import recorded, serve_tree
from workflows.engine.ports import BootTarget, Power

pytestmark = pytest.mark.real


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of a recorded machine."""

    tree: str
    system: str
    serial: str
    uuid: str
    vendor: str
    model: str
    boot: tuple[str, dict[str, str], str | None]
    gpus: tuple[int, str | None, str | None]
    nics: int
    mac: str | None
    disks: tuple[int, str, str | None]
    firmware: tuple[int, str, str]
    board: tuple[int, int, int]
    bios: int
    links: tuple[str | None, str | None]
    quirk: str


ONCE = {"BootSourceOverrideEnabled": "Once"}
MACHINES = [
    Machine(
        tree="dgx-h100",
        system="/redfish/v1/Systems/DGX",
        serial="1662923610124",
        uuid="b11dd4f2-bfde-1000-02bc-5cff35fbe6e9",
        vendor="NVIDIA",
        model="DGXH100",
        boot=("/redfish/v1/Systems/DGX/SD", ONCE | {"BootSourceOverrideTarget": "UefiHttp"}, '"1720574208"'),
        gpus=(8, "H100 80GB HBM3", "1652923003067"),
        nics=12,
        mac="5c:ff:35:fe:04:b1",
        disks=(10, "SAMSUNG MZ1L21T9HCLS-00A07", None),
        firmware=(66, "HostBIOS_0", "01.01.03"),
        board=(2, 32, 6),
        bios=219,
        links=("PCIe Gen5 x16", "PCIe Gen3 x4"),
        quirk="NVIDIA DGX (AMI)",
    ),
    Machine(
        tree="gb200",
        system="/redfish/v1/Systems/System_0",
        serial="1333024020524",
        uuid="501f2928-84ea-8579-cf52-dc2dbd2e4656",
        vendor="NVIDIA",
        model="GB200 NVL",
        boot=("/redfish/v1/Systems/System_0/Settings", ONCE | {"BootSourceOverrideTarget": "Pxe"}, None),
        gpus=(4, None, None),
        nics=6,
        mac=None,
        disks=(9, "SAMSUNG MZTL23T8HCLS-00A07", "S6RMNG0X506940"),
        firmware=(30, "FW_BMC_0", "GB200Nvl-24.12-8"),
        board=(2, 2, 0),
        bios=403,
        links=(None, None),
        quirk="NVIDIA GB200/GH200 (OpenBMC)",
    ),
    Machine(
        tree="supermicro-sys-821ge-tnhr",
        system="/redfish/v1/Systems/1",
        serial="S889914X3710910",
        uuid="00000000-0000-0000-0000-7cc25550a8ff",
        vendor="Supermicro",
        model="SYS-821GE-TNHR",
        boot=(
            "/redfish/v1/Systems/1",
            ONCE | {"BootSourceOverrideTarget": "UefiHttp", "BootSourceOverrideMode": "UEFI"},
            '"a0a7128477b3552049bdbf0d3286de78"',
        ),
        gpus=(8, "H100 80GB HBM3", "1652323019599"),
        nics=10,
        mac="7c:c2:55:79:3f:8e",
        disks=(8, "MZQL27T6HBLA-00A07", "S6CKNN0W502286"),
        firmware=(104, "NIC1", "28.37.10.14"),
        board=(2, 32, 8),
        bios=358,
        links=("PCIe Gen5 x16", "PCIe Gen5 x16"),
        quirk="Supermicro",
    ),
]
EACH = pytest.mark.parametrize("machine", MACHINES, ids=[m.tree for m in MACHINES])


@EACH
async def test_recorded_tree_is_driven_by_its_own_resources(machine: Machine, samples: Path) -> None:
    async with serve_tree(recorded(samples / f"{machine.tree}.tar.xz")) as served:
        bmc = served.connect()
        facts = await bmc.facts()
        await bmc.open()
        await bmc.boot(BootTarget.NETWORK_ONCE)
        await bmc.power(Power.OFF)
        await bmc.reset_bmc()
        await bmc.close()
    assert (facts.system, facts.serial, facts.uuid) == (machine.system, machine.serial, machine.uuid)
    assert (facts.power, facts.boot) == (Power.ON, BootTarget.DISK)
    path, override, etag = machine.boot
    assert served.writes[0] == ("PATCH", path, {"Boot": override}, etag)
    reset = f"{machine.system}/Actions/ComputerSystem.Reset"
    assert served.writes[1] == ("POST", reset, {"ResetType": "ForceOff"}, None)
    assert served.writes[2][1].endswith("/Actions/Manager.Reset")


@EACH
@pytest.mark.parametrize("expand", [False, True], ids=["plain", "expanded"])
async def test_recorded_tree_is_read_whole(machine: Machine, expand: bool, samples: Path) -> None:
    async with serve_tree(recorded(samples / f"{machine.tree}.tar.xz"), expand=expand) as served:
        bmc = served.connect()
        report = await bmc.survey()
        await bmc.close()
    assert report.gaps == ()
    assert (report.system, report.serial, report.uuid) == (machine.system, machine.serial, machine.uuid)
    assert (report.vendor, report.model, report.power) == (machine.vendor, machine.model, "on")
    assert report.boot.network == machine.boot[1]["BootSourceOverrideTarget"]
    count, model, serial = machine.gpus
    assert (len(report.gpus), report.gpus[0].model, report.gpus[0].serial) == (count, model, serial)
    assert len({g.serial for g in report.gpus}) == (count if serial else 1), "each GPU has its own serial"
    assert len(report.nics) == machine.nics
    assert (machine.mac in report.boot_macs) if machine.mac else report.boot_macs == ()
    disks, disk_model, disk_serial = machine.disks
    assert (len(report.disks), report.disks[0].model, report.disks[0].serial) == (disks, disk_model, disk_serial)
    firmware, name, version = machine.firmware
    assert (len(report.firmware), {f.name: f.version for f in report.firmware}[name]) == (firmware, version)
    assert (len(report.cpus), len(report.dimms), len(report.psus)) == machine.board
    assert len(report.settings) == machine.bios
    assert all(d.size and d.serial for d in report.dimms)
    assert tuple(str(p.pcie) if p.pcie else None for p in (report.gpus[0], report.nics[0])) == machine.links
    assert report.quirks[0].startswith(machine.quirk)
    assert [o.path for o in report.others] == (
        ["/redfish/v1/Systems/HGX_Baseboard_0"] if machine.tree != "supermicro-sys-821ge-tnhr" else []
    )
    assert (report.sessions.supported, report.virtual_media) == (True, True)
    assert len(served.reads) < (85 if expand else 300)


async def test_the_bmcs_own_link_to_the_host_is_no_mac_of_the_machine(samples: Path) -> None:
    async with serve_tree(recorded(samples / "supermicro-sys-821ge-tnhr.tar.xz")) as served:
        bmc = served.connect()
        report = await bmc.survey()
        await bmc.close()
    assert "be:3a:f2:b6:05:9f" not in report.boot_macs
    assert len(report.boot_macs) == 11
