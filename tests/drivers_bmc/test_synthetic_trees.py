"""Machines by their vendors' documentation: the right System, who it is, what it has, and where a change is sent."""

import json
from dataclasses import dataclass

import pytest

from tests.fakes.redfish_tree import TreeWire
from tests.fakes.synthetic_trees import SYNTHETIC
from workflows.engine.ports import BootTarget, Power

pytestmark = pytest.mark.fast


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be read of a tree. ``boots``: the path that the override goes to, and its target."""

    system: str
    serial: str
    uuid: str
    power: Power
    macs: tuple[str, ...]
    gpus: tuple[str, ...]
    model: str
    disks: int
    firmware: dict[str, str]
    bmc: str
    boots: tuple[str, str]
    quirk: str
    others: tuple[str, ...] = ()


MACHINES = {
    "synthetic-idrac9-xe9680": Expected(
        system="/redfish/v1/Systems/System.Embedded.1",
        serial="7XYZAB3",
        uuid="4c4c4544-0058-5910-805a-b7c04f414233",
        power=Power.ON,
        macs=("c4:cb:e1:a1:b2:c0",),
        gpus=tuple(f"165292300{n:04}" for n in range(8)),
        model="NVIDIA H100 80GB HBM3",
        disks=8,
        firmware={
            "Installed-159-2.1.2__BIOS.Setup.1-1": "2.1.2",
            "Installed-25227-7.10.30.00__iDRAC.Embedded.1-1": "7.10.30.00",
        },
        bmc="7.10.30.00",
        boots=("/redfish/v1/Systems/System.Embedded.1", "UefiHttp"),
        quirk="Dell iDRAC",
    ),
    "synthetic-ilo6-dl380a": Expected(
        system="/redfish/v1/Systems/1/",
        serial="MXQ3110ABC",
        uuid="39343550-3330-584d-5133-313130414243",
        power=Power.OFF,
        macs=("88:e9:a4:01:02:03",),
        gpus=("1653123000001", "1653123000002"),
        model="NVIDIA H100 NVL",
        disks=2,
        firmware={
            "iLO 6": "1.53 Oct 11 2023",
            "System ROM": "U58 v1.42 (06/20/2023)",
            "Redundant System ROM": "U58 v1.32 (03/23/2023)",
        },
        bmc="iLO 6 v1.53",
        boots=("/redfish/v1/Systems/1", "UefiHttp"),
        quirk="HPE iLO",
    ),
    "synthetic-xcc-sr675": Expected(
        system="/redfish/v1/Systems/1",
        serial="J900XYZ1",
        uuid="a1b2c3d4-0f2e-11ee-8b3f-0a94ef112233",
        power=Power.ON,
        macs=("0a:94:ef:11:22:33",),
        gpus=("132042301", "132042303"),
        model="NVIDIA L40S",
        disks=2,
        firmware={"BMC-Primary": "KAX326F-4.20", "UEFI": "KAE122J-4.10", "Slot_1.Bundle": "95.02.66.00.02"},
        bmc="KAX326F 4.20 2024-01-02",
        boots=("/redfish/v1/Systems/1", "Pxe"),
        quirk="Lenovo XCC",
    ),
    "synthetic-gh200": Expected(
        system="/redfish/v1/Systems/System_0",
        serial="S900001X4100001",
        uuid="501f2928-84ea-8579-cf52-dc2dbd2e4656",
        power=Power.ON,
        macs=("7c:c2:55:79:3f:8e",),
        gpus=("1652923000000",),
        model="GH200 480GB",
        disks=2,
        firmware={"FW_BMC_0": "24.12-8", "UEFI": "02.03.13", "HGX_FW_GPU_SXM_1": "96.00.89"},
        bmc="24.12-8",
        boots=("/redfish/v1/Systems/System_0", "Pxe"),
        quirk="NVIDIA GB200/GH200 (OpenBMC)",
        others=("/redfish/v1/Systems/HGX_Baseboard_0",),
    ),
    "synthetic-supermicro-hgx": Expected(
        system="/redfish/v1/Systems/1",
        serial="S900001X4100001",
        uuid="501f2928-84ea-8579-cf52-dc2dbd2e4656",
        power=Power.ON,
        macs=("7c:c2:55:79:3f:8e",),
        gpus=tuple(f"165292300{n:04}" for n in range(8)),
        model="NVIDIA H100 80GB HBM3",
        disks=2,
        firmware={"FW_BMC_0": "24.12-8", "UEFI": "02.03.13", "HGX_FW_GPU_SXM_1": "96.00.89"},
        bmc="24.12-8",
        boots=("/redfish/v1/Systems/1", "UefiHttp"),
        quirk="Supermicro",
        others=("/redfish/v1/Systems/HGX_Baseboard_0",),
    ),
}


def test_each_synthetic_tree_is_expected_to_be_read() -> None:
    assert MACHINES.keys() == SYNTHETIC.keys()


@pytest.mark.parametrize("name", MACHINES)
async def test_a_machine_by_its_vendors_documentation_is_read_right(name: str) -> None:
    machine = MACHINES[name]
    report = await TreeWire(SYNTHETIC[name]()).connect().survey()
    assert report.gaps == ()
    assert (report.system, report.serial, report.uuid) == (machine.system, machine.serial, machine.uuid)
    assert (report.power, report.boot_macs, report.bmc) == (machine.power.value, machine.macs, machine.bmc)
    assert tuple(g.serial for g in report.gpus) == machine.gpus
    assert {g.model for g in report.gpus} == {machine.model}
    assert [(n.macs, bool(n.model)) for n in report.nics] == [(machine.macs, True)]
    assert (len(report.disks), len({d.serial for d in report.disks})) == (machine.disks, machine.disks)
    assert {f.name: f.version for f in report.firmware} == machine.firmware
    assert report.boot.network == machine.boots[1]
    assert machine.boots[1] in report.boot.allowed
    assert "ForceOff" in report.resets
    assert tuple(o.path for o in report.others) == machine.others
    assert report.quirks[0].startswith(machine.quirk)


@pytest.mark.parametrize("name", MACHINES)
async def test_a_change_goes_to_the_machines_own_resource(name: str) -> None:
    machine = MACHINES[name]
    wire = TreeWire(SYNTHETIC[name]())
    bmc = wire.connect()
    facts = await bmc.facts()
    assert (facts.serial, facts.power, facts.boot) == (machine.serial, machine.power, BootTarget.DISK)
    await bmc.open()
    await bmc.boot(BootTarget.NETWORK_ONCE)
    await bmc.power(Power.OFF if machine.power is Power.ON else Power.ON)
    (verb, path, body), (_, reset, kind) = wire.writes
    override = body["Boot"]
    assert isinstance(override, dict)
    assert (verb, path, override["BootSourceOverrideTarget"]) == ("PATCH", *machine.boots)
    assert override["BootSourceOverrideEnabled"] == "Once"
    assert reset.startswith(machine.system.rstrip("/"))
    assert kind == {"ResetType": "ForceOff" if machine.power is Power.ON else "On"}


async def test_a_settings_object_that_knows_the_boot_order_alone_takes_no_override() -> None:
    bodies = SYNTHETIC["synthetic-idrac9-xe9680"]()
    settings = bodies["/redfish/v1/Systems/System.Embedded.1/Settings"]
    assert (await TreeWire(bodies).connect().survey()).boot.settings is None
    settings["Boot"] |= {"BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe"]}
    assert (await TreeWire(bodies).connect().survey()).boot.settings == settings["@odata.id"]


async def test_gpus_below_a_baseboard_of_another_name_are_found() -> None:
    """A second System that isn't called HGX_ but has no BIOS and no boot override is no machine either."""
    bodies = SYNTHETIC["synthetic-supermicro-hgx"]()
    renamed = {p.replace("HGX_Baseboard_0", "GPU_Board"): b for p, b in bodies.items()}
    text = json.dumps(renamed).replace("HGX_Baseboard_0", "GPU_Board")
    report = await TreeWire(json.loads(text)).connect().survey()
    assert (report.system, len(report.gpus)) == ("/redfish/v1/Systems/1", 8)
    assert report.others[0].why == "it has no boot override"


async def test_a_bmc_that_opens_no_session_is_surveyed_by_its_credential() -> None:
    bodies = SYNTHETIC["synthetic-gh200"]()
    bodies["/redfish/v1"]["Links"] = {"Sessions": {"@odata.id": "/redfish/v1/NoSuchThing"}}
    report = await TreeWire(bodies).connect().survey()
    assert report.serial == "S900001X4100001"
    assert "without a token" in report.sessions.said
