"""BIOS and firmware over HTTP, on lab BMCs that take a push, a URL, or BIOS changes as jobs."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lab.bmc.faults import Faults
from lab.bmc.profiles import DELL, DGX_H100, GB200
from lab.bmc.traits import PLAIN, Traits
from tests.drivers_bmc.conftest import MakeRack, Rack, Secrets
from tests.drivers_bmc.test_inspect import connect
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import FirmwareImage, OpenedBmc, Power, TaskFacts
from workflows.model.desired import BmcTarget
from workflows.model.errors import Refused, Unsupported
from workflows.model.profile import BmcProtocol

pytestmark = pytest.mark.real

CONTENT = b"firmware" * 20_000
SHA = hashlib.sha256(CONTENT).hexdigest()
ONLY_URL = Traits(push=("simple",))


@pytest.fixture
async def images() -> AsyncIterator[TestServer]:
    """Where images lie."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=CONTENT) if request.match_info["name"].endswith(".bin") else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    async with TestServer(app) as server:
        yield server


def image(images: TestServer, name: str = "fw-9.9.bin", sha256: str = SHA) -> FirmwareImage:
    return FirmwareImage(url=str(images.make_url(f"/{name}")), sha256=sha256)


async def ended(bmc: OpenedBmc) -> TaskFacts:
    """The newest task, once it is over: within 20 seconds."""
    for _ in range(400):
        task = (await bmc.tasks())[-1]
        if task.ended:
            return task
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {task.state}")


@pytest.mark.parametrize("traits", [DGX_H100, GB200, DELL, ONLY_URL], ids=["dgx-h100", "gb200", "dell", "only-url"])
async def test_an_update_is_one_task_and_changes_what_was_named(
    make_rack: MakeRack, images: TestServer, traits: Traits
) -> None:
    rack = await make_rack(traits)
    bmc = connect(rack)
    before = await bmc.firmware()
    assert before[-1].path
    await bmc.open()
    assert await bmc.tasks() == ()
    await bmc.flash([before[-1].path], image(images))
    task = await ended(bmc)
    assert (task.failed, task.percent, len(await bmc.tasks())) == (False, 100, 1)
    assert [f.version for f in await bmc.firmware()] == [*(f.version for f in before[:-1]), "9.9"]
    assert rack.bmc.update.bytes_pushed == (0 if traits is ONLY_URL else len(CONTENT))
    await bmc.close()


async def test_an_image_that_is_another_or_is_not_there_is_not_sent(rack: Rack, images: TestServer) -> None:
    bmc = connect(rack)
    target = (await bmc.firmware())[0].path
    await bmc.open()
    with pytest.raises(Refused, match=f"has SHA-256 {SHA}, the sku says {'0' * 64}: nothing was sent"):
        await bmc.flash([target], image(images, sha256="0" * 64))
    with pytest.raises(Refused, match="answered 404"):
        await bmc.flash([target], image(images, "fw-9.9.zip"))
    assert await bmc.tasks() == ()
    assert rack.bmc.update.bytes_pushed == 0
    await bmc.close()


async def test_a_failed_update_says_so_and_changes_nothing(rack: Rack, images: TestServer) -> None:
    bmc = connect(rack)
    before = await bmc.firmware()
    rack.bmc.faults = Faults(update_fails=True)
    await bmc.open()
    await bmc.flash([before[0].path], image(images))
    assert (await ended(bmc)).failed
    assert await bmc.firmware() == before
    await bmc.close()


@pytest.mark.parametrize("traits", [PLAIN, DELL], ids=["plain", "dell"])
async def test_bios_attributes_wait_for_a_boot_and_hold_then(make_rack: MakeRack, traits: Traits) -> None:
    rack = await make_rack(traits)
    bmc = connect(rack)
    await bmc.open()
    await bmc.power(Power.OFF)
    await bmc.set_bios({"SriovGlobalEnable": "Enabled"})
    facts = await bmc.bios()
    assert (facts.attributes["SriovGlobalEnable"], facts.pending) == ("Disabled", {"SriovGlobalEnable": "Enabled"})
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    facts = await bmc.bios()
    assert (facts.attributes["SriovGlobalEnable"], facts.pending) == ("Enabled", {})
    with pytest.raises(Refused):
        await bmc.set_bios({"NoSuchAttribute": "1"})
    await bmc.close()


async def test_what_is_written_before_the_session_is_refused(rack: Rack, images: TestServer) -> None:
    bmc = connect(rack)
    with pytest.raises(Refused, match="before open"):
        await bmc.set_bios({"SriovGlobalEnable": "Enabled"})
    with pytest.raises(Refused, match="before open"):
        await bmc.flash(["/redfish/v1/x"], image(images))
    await bmc.close()


async def test_ipmi_knows_no_baseline() -> None:
    secrets = Secrets(bmc={"username": "u", "password": "p"})
    bmc = BmcDrivers(secrets).connect(BmcTarget(address="127.0.0.1", credential="bmc"), BmcProtocol.IPMI)
    with pytest.raises(Unsupported, match="IPMI knows no BIOS"):
        await bmc.firmware()
