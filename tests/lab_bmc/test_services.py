"""BIOS, virtual media, updates, tasks and events of a lab BMC, driven by ``sushy`` and ``redfish`` too, not ours."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
import redfish
import sushy
from aiohttp import web

from lab.bmc.faults import Faults
from lab.bmc.profiles import DELL, DGX_H100, GB200, HPE, LENOVO, PROFILES, SUPERMICRO
from lab.bmc.server import ServedBmc
from lab.bmc.tls import LabCertificate
from lab.bmc.traits import PLAIN, Traits
from tests.lab_bmc.conftest import AUTH, SESSIONS, USER, boots, sushy_of

pytestmark = pytest.mark.real

#: sushy keeps its connections, so it can't talk to a BMC that resets one which is used twice.
SUSHYS = {name: traits for name, traits in PROFILES.items() if not traits.resets_reused}
EVENTS = "/redfish/v1/EventService"


def of(*traits: Traits) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("served", traits, ids=[t.vendor for t in traits], indirect=True)


def machine_of(root: Any) -> Any:
    """The System that can be reset, as sushy sees it."""
    (system,) = [s for s in root.get_system_collection().get_members() if not s.identity.startswith("HGX_")]
    return system


async def switch(served: ServedBmc, kind: str) -> None:
    served.bmc.chassis.reset(kind)
    await served.bmc.chassis.settled()


@pytest.mark.parametrize("served", SUSHYS.values(), ids=SUSHYS, indirect=True)
async def test_sushy_drives_power_boot_bios_and_virtual_media(served: ServedBmc, certificate: LabCertificate) -> None:
    def drive() -> tuple[dict[str, object], str]:
        with sushy_of(served, certificate) as root:
            system = machine_of(root)
            system.set_system_boot_options(
                sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE, mode=sushy.BOOT_SOURCE_MODE_UEFI
            )
            drive = system.virtual_media.get_members()[0]
            drive.insert_media("https://images.example/agent.iso")
            drive.refresh()
            image = drive.image
            drive.eject_media()
            system.bios.set_attribute("SriovGlobalEnable", "Enabled")
            pending = dict(system.bios.pending_attributes)
            system.reset_system(sushy.RESET_ON)
            return pending, image

    assert await asyncio.to_thread(drive) == ({"SriovGlobalEnable": "Enabled"}, "https://images.example/agent.iso")
    assert served.bmc.media.image is None
    await served.bmc.chassis.settled()
    assert boots(served) == ["network"]
    assert (served.bmc.bios.attributes["SriovGlobalEnable"], served.bmc.bios.pending) == ("Enabled", {})


@of(PLAIN, DGX_H100, DELL)
async def test_sushy_updates_firmware_and_follows_the_task(served: ServedBmc, certificate: LabCertificate) -> None:
    first = next(iter(served.bmc.update.versions))

    def drive() -> tuple[bool, str]:
        with sushy_of(served, certificate) as root:
            service = root.get_update_service()
            monitor = service.simple_update("http://images.example/bmc-9.9.bin")
            began = monitor.is_processing
            monitor.wait(20)
            return began, service.firmware_inventory.get_member(f"{service.firmware_inventory.path}/{first}").version

    assert await asyncio.to_thread(drive) == (True, "9.9")


@of(SUPERMICRO, GB200)
async def test_dmtfs_client_pushes_firmware_in_several_parts(served: ServedBmc, certificate: LabCertificate) -> None:
    name = list(served.bmc.update.versions)[1]
    target = f"/redfish/v1/UpdateService/FirmwareInventory/{name}"

    def drive() -> list[tuple[int, str]]:
        client: Any = redfish.redfish_client(served.url, *USER, max_retry=1, cafile=str(certificate.ca))
        client.login(auth="session")
        uri = client.get("/redfish/v1/UpdateService").dict["MultipartHttpPushUri"]
        parts = {
            "UpdateParameters": (None, json.dumps({"Targets": [target]}), "application/json"),
            "UpdateFile": ("uefi-4.2.bin", b"\0" * 1_000_000, "application/octet-stream"),
        }
        accepted = client.post(uri, body=parts, headers={"Content-Type": "multipart/form-data"})
        seen = [(accepted.status, "Accepted")]
        while seen[-1][0] == 202:
            answer = client.get(accepted.task_location)
            seen.append((answer.status, answer.dict["TaskState"]))
        version = client.get(target).dict["Version"]
        client.logout()
        return [*seen[:1], *seen[-1:], (0, version)]

    assert await asyncio.to_thread(drive) == [(202, "Accepted"), (200, "Completed"), (0, "4.2")]
    assert served.bmc.update.bytes_pushed == 1_000_000


async def test_an_update_that_fails_changes_no_version_and_ends_in_exception(
    served: ServedBmc, http: aiohttp.ClientSession
) -> None:
    before = dict(served.bmc.update.versions)
    served.bmc.faults = Faults(update_fails=True)
    update = f"{served.url}/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate"
    async with http.post(update, json={"ImageURI": "http://images.example/bmc-2.0.bin"}, headers=AUTH) as answer:
        monitor, status = answer.headers["Location"], answer.status
    while status == 202:
        async with http.get(served.url + monitor, headers=AUTH) as answer:
            status, task = answer.status, await answer.json()
    assert (status, task["TaskState"], task["PercentComplete"]) == (200, "Exception", 100)
    assert served.bmc.update.versions == before


@of(DELL)
async def test_a_bios_change_is_a_job_and_nothing_else_is_changed_until_a_boot_did_it(
    served: ServedBmc, http: aiohttp.ClientSession
) -> None:
    system = f"{served.url}/redfish/v1/Systems/System.Embedded.1"
    wanted = {"Attributes": {"SriovGlobalEnable": "Enabled"}}
    seen = []
    for _ in range(2):
        async with http.patch(f"{system}/Bios/Settings", json=wanted, headers=AUTH) as answer:
            seen.append(answer.status)
    async with http.patch(system, json={"Boot": {"BootSourceOverrideEnabled": "Once"}}, headers=AUTH) as answer:
        refusal = await answer.text()
    assert (seen, answer.status) == ([202, 400], 400)
    assert "SYS011" in refusal
    await switch(served, "On")
    assert (served.bmc.bios.attributes["SriovGlobalEnable"], served.bmc.tasks.pending) == ("Enabled", [])
    async with http.patch(f"{system}/Bios/Settings", json=wanted, headers=AUTH) as answer:
        assert answer.status == 202


async def test_secure_boot_holds_from_the_next_boot(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    url = f"{served.url}/redfish/v1/Systems/1/SecureBoot"
    now = []
    async with http.patch(url, json={"SecureBootEnable": True}, headers=AUTH) as answer:
        assert answer.status == 204
    for act in ("nothing", "On"):
        if act == "On":
            await switch(served, act)
        async with http.get(url, headers=AUTH) as answer:
            now.append((await answer.json())["SecureBootCurrentBoot"])
    assert now == ["Disabled", "Enabled"]


async def test_events_come_to_a_listener_and_to_a_subscriber(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    posted: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        posted.put_nowait(await request.json())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/events", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        wanted = {"Destination": f"http://127.0.0.1:{runner.addresses[0][1]}/events", "Protocol": "Redfish"}
        async with http.post(f"{served.url}{EVENTS}/Subscriptions", json=wanted, headers=AUTH) as answer:
            assert answer.status == 201
        async with asyncio.timeout(10), http.get(f"{served.url}{EVENTS}/SSE", headers=AUTH) as stream:
            await stream.content.readuntil(b"\n\n")
            await switch(served, "On")
            event = (await stream.content.readuntil(b"\n\n")).decode()
        assert "PowerStateChanged" in event
        assert "PowerStateChanged" in json.dumps(await asyncio.wait_for(posted.get(), 10))
        async with http.delete(served.url + answer.headers["Location"], headers=AUTH) as ended:
            assert ended.status == 204
    finally:
        await runner.cleanup()


@of(SUPERMICRO, LENOVO)
async def test_wrong_passwords_lock_the_account_for_a_while(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    tries = served.bmc.traits.lock_after
    seen = []
    for password in ["wrong"] * tries + [USER[1]]:
        async with http.post(served.url + SESSIONS, json={"UserName": USER[0], "Password": password}) as answer:
            seen.append(answer.status)
    assert seen == [401] * (tries + 1), "locked: the right one is refused too"
    assert served.bmc.accounts.locked


@of(LENOVO)
async def test_a_weak_etag_is_shown_and_refused(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    url = f"{served.url}/redfish/v1/Systems/1"
    async with http.get(url, headers=AUTH) as answer:
        etag = answer.headers["ETag"]
    seen = []
    for match in (etag, etag.removeprefix("W/")):
        body = {"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}
        async with http.patch(url, json=body, headers=AUTH | {"If-Match": match}) as answer:
            seen.append(answer.status)
    assert (etag[:2], seen) == ("W/", [412, 204])


@of(SUPERMICRO)
async def test_an_override_without_a_mode_falls_back_to_legacy(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    body = {"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "UefiHttp"}}
    async with http.patch(f"{served.url}/redfish/v1/Systems/1", json=body, headers=AUTH) as answer:
        assert answer.status == 204
    await switch(served, "On")
    assert boots(served) == ["disk"], "a legacy machine knows no UefiHttp"


@of(HPE)
async def test_a_connection_that_is_used_twice_is_reset(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    async def twice() -> None:
        for _ in range(2):
            async with http.post(f"{served.url}/redfish/v1", headers=AUTH) as answer:
                await answer.read()

    with pytest.raises(aiohttp.ClientConnectionError):
        await twice()
