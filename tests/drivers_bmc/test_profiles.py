"""The Redfish driver against every kind of lab BMC, and every kind with every fault: the truth, or an error of its own."""

import contextlib

import pytest

from lab.bmc.faults import Faults
from lab.bmc.profiles import PROFILES
from tests.drivers_bmc.conftest import MACS, SERIAL, UUID, MakeRack, Rack
from workflows.drivers.redfish import RedfishBmc
from workflows.engine.ports import Bmc, BootTarget, Power
from workflows.model.errors import AuthenticationFailed, BringupError, Busy

pytestmark = pytest.mark.real

EACH = pytest.mark.parametrize("profile", PROFILES)
QUIRKS = {
    "dgx-h100": "NVIDIA DGX (AMI)",
    "supermicro-sys-821ge-tnhr": "Supermicro",
    "gb200": "NVIDIA GB200/GH200 (OpenBMC)",
    "synthetic-dell-xe9680": "Dell iDRAC",
    "synthetic-hpe-xl675d": "HPE iLO",
    "synthetic-lenovo-sr675": "Lenovo XCC",
    "synthetic-openbmc": "OpenBMC",
}
FAULTS = {
    "accepts power and ignores it": Faults(ignore_power=True),
    "accepts the boot device and ignores it": Faults(ignore_boot=True),
    "slow": Faults(delay=30.0),
    "500 every third": Faults(error_every=3),
    "drops writes": Faults(drop_before=True),
    "drops answers of writes": Faults(drop_after=True),
    "drops everything": Faults(hang_up=True),
    "changes under our hands": Faults(restless=True),
    "busy": Faults(busy=True),
    "half an answer": Faults(garbage=True),
    "100 MB": Faults(flood=True),
    "an answer that never ends": Faults(drip=True),
    "redirects elsewhere": Faults(redirect="https://elsewhere.example"),
    "power that never comes": Faults(stuck=True),
    "refuses the password": Faults(refuse_logins=True),
}


async def network_boot(rack: Rack, bmc: Bmc) -> None:
    """What a run does with a BMC, from off to a network boot."""
    await bmc.open()
    await bmc.power(Power.OFF)
    await rack.bmc.chassis.settled()
    await bmc.boot(BootTarget.NETWORK_ONCE)
    assert (await bmc.facts()).boot is BootTarget.NETWORK_ONCE
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    facts = await bmc.facts()
    assert (facts.serial, facts.uuid, facts.power, facts.boot) == (SERIAL, UUID, Power.ON, BootTarget.DISK)


async def thrice(rack: Rack, bmc: Bmc) -> None:
    """Often enough to meet what comes every n-th time."""
    for _ in range(3):
        await network_boot(rack, bmc)


@EACH
async def test_boots_the_network_once(make_rack: MakeRack, profile: str) -> None:
    rack = await make_rack(PROFILES[profile])
    bmc = rack.connect()
    await network_boot(rack, bmc)
    assert rack.machine.boots == ["network"]


@EACH
async def test_reads_the_whole_machine(make_rack: MakeRack, profile: str) -> None:
    traits = PROFILES[profile]
    rack = await make_rack(traits)
    bmc = rack.connect()
    assert isinstance(bmc, RedfishBmc)
    report = await bmc.survey()
    kind = traits.parts
    assert report.gaps == ()
    assert (report.serial, report.uuid, report.vendor, report.model) == (SERIAL, UUID, traits.vendor, traits.model)
    assert [len(report.gpus), len(report.nics), len(report.disks)] == [kind.gpus, kind.nics, kind.drives]
    assert [g.serial for g in report.gpus] == [f"{SERIAL}-G{n}" for n in range(kind.first, kind.first + kind.gpus)]
    assert report.boot_macs == MACS
    assert {f.name: f.version for f in report.firmware} == dict(kind.firmware)
    assert report.boot.network == ("UefiHttp" if "UefiHttp" in traits.boot_targets else "Pxe")
    assert report.quirks
    assert all(q.startswith(f"{QUIRKS[profile]}: ") for q in report.quirks)
    assert (await bmc.events(5))[-1].text == "The lab BMC was started."


@EACH
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_a_known_error_or_shows_in_the_read_back(
    make_rack: MakeRack, profile: str, fault: str
) -> None:
    rack = await make_rack(PROFILES[profile], timeout=1.0)
    bmc = rack.connect()
    rack.bmc.faults = FAULTS[fault]
    unseen = fault == "changes under our hands" and not PROFILES[profile].etags
    with contextlib.nullcontext() if unseen else pytest.raises((BringupError, AssertionError)):
        await thrice(rack, bmc)
    resets = sum(n for (verb, path), n in rack.bmc.ledger.requests.items() if verb == "POST" and path.endswith("Reset"))
    assert resets <= 6, "no hidden retry: at most one a call"
    await bmc.close()
    rack.bmc.faults = Faults()
    rack.bmc.chassis.reset("ForceOff")
    await rack.bmc.chassis.settled()
    await network_boot(rack, rack.connect_anew())
    assert rack.machine.boots[-1] == "network"


@pytest.mark.parametrize("profile", ["synthetic-hpe-xl675d"])
async def test_a_boot_device_in_post_is_not_now(make_rack: MakeRack, profile: str) -> None:
    rack = await make_rack(PROFILES[profile])
    bmc = rack.connect()
    await bmc.open()
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    with pytest.raises(Busy, match="POST"):
        await bmc.boot(BootTarget.NETWORK_ONCE)


async def test_changes_while_a_job_is_pending_are_not_now(make_rack: MakeRack) -> None:
    rack = await make_rack(PROFILES["synthetic-dell-xe9680"])
    rack.bmc.tasks.wait_for_boot("Configure: BIOS.Setup")
    bmc = rack.connect()
    await bmc.open()
    with pytest.raises(Busy, match="job is scheduled"):
        await bmc.boot(BootTarget.NETWORK_ONCE)
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    await bmc.boot(BootTarget.NETWORK_ONCE)
    assert (await bmc.facts()).boot is BootTarget.NETWORK_ONCE


@EACH
async def test_a_wrong_password_never_locks_the_account(make_rack: MakeRack, profile: str) -> None:
    rack = await make_rack(PROFILES[profile])
    right = rack.secrets.secrets["bmc"]
    rack.secrets.secrets["bmc"] = right | {"password": "wrong"}
    for _ in range(6):
        with pytest.raises(AuthenticationFailed):
            await rack.connect().open()
        with pytest.raises(AuthenticationFailed):
            await rack.connect().facts()
    assert (rack.bmc.accounts.wrong, rack.bmc.accounts.locked) == (1, False)
    rack.secrets.secrets["bmc"] = right
    assert (await rack.connect().facts()).serial == SERIAL
