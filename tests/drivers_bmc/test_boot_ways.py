"""Each way to the network on lab BMCs: the override that stands, the image in the virtual drive, and out of it again."""

import pytest

from lab.bmc.profiles import DGX_H100, GB200, HPE, SUPERMICRO
from lab.bmc.traits import Traits
from tests.drivers_bmc.conftest import MakeRack
from workflows.engine.ports import BootTarget, Power
from workflows.model.errors import Unsupported
from workflows.model.profile import BootWay

pytestmark = pytest.mark.real

IMAGE, OTHER = "http://boot.example/ipxe.iso", "http://ann.example/rescue.iso"


@pytest.mark.parametrize(
    ("traits", "way"),
    [
        (DGX_H100, BootWay.HTTP),
        (DGX_H100, BootWay.PXE),
        (DGX_H100, BootWay.MEDIA),
        (GB200, BootWay.MEDIA),
        (HPE, BootWay.MEDIA),
        (SUPERMICRO, BootWay.PXE),
    ],
    ids=lambda value: value.model if isinstance(value, Traits) else value,
)
async def test_a_machine_boots_once_by_the_way_that_it_is_sent(
    make_rack: MakeRack, traits: Traits, way: BootWay
) -> None:
    rack = await make_rack(traits)
    bmc = rack.connect()
    await bmc.open()
    for _ in range(2):
        await bmc.boot(BootTarget.NETWORK_ONCE, way, IMAGE if way is BootWay.MEDIA else "")
    facts = await bmc.facts()
    assert (facts.boot, facts.way) == (BootTarget.NETWORK_ONCE, way)
    assert rack.bmc.media.image == (IMAGE if way is BootWay.MEDIA else None)
    assert rack.bmc.ledger.requests["POST", _insert(rack.bmc.traits)] == (way is BootWay.MEDIA), "inserted once"
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    facts = await bmc.facts()
    assert (facts.boot, facts.way, rack.machine.boots) == (BootTarget.DISK, None, ["network"])


def _insert(traits: Traits) -> str:
    return f"/redfish/v1/Systems/{traits.system_id}/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia"


async def test_the_ways_that_are_offered_are_those_of_the_bmc(make_rack: MakeRack) -> None:
    assert (await (await make_rack(SUPERMICRO)).connect().facts()).ways == tuple(BootWay)
    assert (await (await make_rack(GB200)).connect().facts()).ways == (BootWay.PXE, BootWay.MEDIA)
    bmc = (await make_rack(GB200)).connect()
    await bmc.open()
    with pytest.raises(Unsupported, match="offers no uefi-http"):
        await bmc.boot(BootTarget.NETWORK_ONCE, BootWay.HTTP)


async def test_somebody_elses_image_makes_room_for_ours_and_only_ours_is_taken_out(make_rack: MakeRack) -> None:
    rack = await make_rack(DGX_H100)
    bmc = rack.connect()
    await bmc.open()
    rack.bmc.media.image = OTHER
    await bmc.boot(BootTarget.DISK, media=IMAGE)
    assert rack.bmc.media.image == OTHER
    await bmc.boot(BootTarget.NETWORK_ONCE, BootWay.MEDIA, IMAGE)
    assert rack.bmc.media.image == IMAGE
    await bmc.boot(BootTarget.DISK, media=IMAGE)
    assert (rack.bmc.media.image, (await bmc.facts()).boot) == (None, BootTarget.DISK)
