"""The SKU gate on what lab BMCs show over HTTP: a part that was pulled, and a riser that slows one, are named by place."""

import pytest

from lab.bmc.faults import Faults
from lab.bmc.profiles import PROFILES
from tests.drivers_bmc.conftest import MakeRack, Rack
from workflows.engine.ports import OpenedBmc
from workflows.model.desired import BmcTarget
from workflows.model.hardware import HardwareReport, PartKind
from workflows.model.profile import BmcProtocol, PartRule
from workflows.model.sku_gate import shortcomings

pytestmark = pytest.mark.real


def connect(rack: Rack) -> OpenedBmc:
    return rack.drivers.connect(BmcTarget(address=rack.served.address, credential="bmc"), BmcProtocol.REDFISH)


async def read(rack: Rack) -> HardwareReport:
    bmc = connect(rack)
    try:
        return await bmc.survey()
    finally:
        await bmc.close()


def demanding(report: HardwareReport) -> list[PartRule]:
    """Rules that this very machine fulfils, and none less."""
    return [
        PartRule(kind=kind, count=len(report.parts(kind)), pcie=5 if kind in (PartKind.GPU, PartKind.NIC) else None)
        for kind in PartKind
        if report.parts(kind)
    ]


@pytest.mark.parametrize("profile", ["dgx-h100", "supermicro-sys-821ge-tnhr", "synthetic-openbmc"])
async def test_what_was_pulled_or_slowed_is_named(make_rack: MakeRack, profile: str) -> None:
    traits = PROFILES[profile]
    rack = await make_rack(traits)
    whole = await read(rack)
    rules = demanding(whole)
    assert shortcomings(whole, rules, None) == ()
    first = traits.parts.first
    place = traits.parts.dimm_place.format(first)
    nics = [traits.parts.nic_id.format(first + n) for n in range(2)]
    rack.bmc.faults = Faults(pulled=(place, nics[0], traits.parts.gpu_id.format(first)), slowed=(nics[1],))
    lacks = shortcomings(await read(rack), rules, whole)
    assert any(f"{place} is empty" in line for line in lacks), lacks
    gone = [f"{p.where} held" for p in (*whole.gpus[:1], whole.nics[0])]
    assert all(any(said in line for line in lacks) for said in gone), lacks
    assert any(f"nic {nics[1]} links at PCIe Gen4 x16, Gen5 is demanded" in line for line in lacks), lacks


async def test_a_survey_leaves_no_session_behind(make_rack: MakeRack) -> None:
    rack = await make_rack()
    bmc = connect(rack)
    await bmc.survey()
    assert rack.bmc.sessions.listed() == ()
    await bmc.open()
    await bmc.survey()
    assert len(rack.bmc.sessions.listed()) == 1
    await bmc.close()
