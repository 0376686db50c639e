"""By which way a machine is sent to the network: the sku's order, what its BMC offers, and the next when it doesn't come."""

from datetime import timedelta

import pytest

from tests.workflows.samples import PROFILE, desired
from tests.workflows.site import Site
from workflows.engine.boot_way import ORDER, ways
from workflows.engine.workflow import steps_for
from workflows.model.journal import Entry, Kind
from workflows.model.profile import BootWay
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState
from workflows.provision import PROVISION

pytestmark = pytest.mark.fast

HTTP, PXE, MEDIA = ORDER
IMAGE = "http://boot.example/ipxe.iso"


def site_of(*, media: str = "", allowed: tuple[BootWay, ...] = ORDER) -> Site:
    sku = PROFILE.sku.model_copy(update={"boot_ways": allowed})
    wish = desired(profile=PROFILE.model_copy(update={"sku": sku}))
    return Site(wish=wish, settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, boot_media=media))


async def entries(site: Site, kind: Kind, step: str) -> list[Entry]:
    number = steps_for(PROVISION, PROFILE).index(step)
    found = [Entry.decode(v.data) for v in await site.store.list("journal.>") if v.data is not None]
    return [entry for entry in found if entry.kind is kind and entry.step == number]


@pytest.mark.parametrize(
    ("wanted", "offered", "media", "able"),
    [
        (ORDER, ORDER, IMAGE, ORDER),
        (ORDER, ORDER, "", (HTTP, PXE)),
        (ORDER, (PXE,), IMAGE, (PXE,)),
        ((PXE, HTTP), ORDER, IMAGE, (PXE, HTTP)),
        ((HTTP,), (PXE, MEDIA), IMAGE, ()),
    ],
)
def test_the_skus_order_as_far_as_the_bmc_offers_it(
    wanted: tuple[BootWay, ...], offered: tuple[BootWay, ...], media: str, able: tuple[BootWay, ...]
) -> None:
    assert ways(wanted, offered, media) == able


async def test_a_machine_that_does_not_come_by_one_way_is_sent_by_the_next() -> None:
    site = site_of(media=IMAGE)
    site.world.deaf_to = (HTTP, PXE)
    await site.want()
    view = await site.until_settled(hours=6)
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 1), view.status.reason
    assert site.world.sent_by == [HTTP, PXE, MEDIA]
    (first,) = await entries(site, Kind.DONE, "set_boot")
    assert first.result == {"way": "uefi-http"}
    failures = [entry.reason for entry in await entries(site, Kind.FAILED, "deploy")]
    assert "by uefi-http" in failures[0]
    assert "the next way is pxe" in failures[0]
    sent = [entry.baseline for entry in await entries(site, Kind.INTENT, "deploy")]
    assert [each["way"] for each in sent if isinstance(each, dict)][-1] == "virtual-media"


async def test_the_image_is_out_of_the_drive_before_the_disk_is_booted() -> None:
    site = site_of(media=IMAGE, allowed=(MEDIA,))
    await site.want()
    view = await site.until_settled()
    assert view.status.state is NodeState.IN_SERVICE
    assert (site.world.sent_by, site.world.media) == ([MEDIA], "")


async def test_one_way_alone_is_tried_again() -> None:
    site = site_of(allowed=(PXE,))
    site.world.ignores_network = True
    await site.want()
    view = await site.until_settled(hours=6)
    assert (view.status.state, site.world.sent_by) == (NodeState.PARKED, [PXE] * 3)


async def test_a_machine_that_lost_power_while_writing_is_sent_by_the_same_way() -> None:
    site = site_of()
    site.world.reports = False
    await site.want()
    await site.tend()
    site.world.pull_the_plug()
    site.world.reports = True
    await site.clock.advance(timedelta(minutes=5))
    view = await site.until_settled()
    assert (view.status.state, site.world.sent_by) == (NodeState.IN_SERVICE, [HTTP, HTTP])


async def test_a_bmc_that_offers_no_allowed_way_is_refused_before_anything_is_wiped() -> None:
    site = site_of(allowed=(HTTP,))
    site.world.ways = (PXE,)
    await site.want()
    view = await site.until_settled()
    assert (view.status.state, site.world.sent_by, site.world.wipes) == (NodeState.FAILED, [], 0)
    assert "its BMC offers pxe, its sku allows uefi-http" in view.status.reason


async def test_a_bmc_that_keeps_another_way_is_no_success() -> None:
    site = site_of()
    await site.want()
    site.world.keeps = PXE
    view = await site.until_settled()
    assert (view.status.step, view.status.state) == ("set_boot", NodeState.PARKED), view.status.reason
    assert "pxe, not one boot by uefi-http" in view.status.reason
    assert site.world.wipes == 0
