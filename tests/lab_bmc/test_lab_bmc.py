"""The lab BMC judged by Redfish clients that we didn't write, and its own promises: sessions, Once, faults, ledger."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redfish
import sushy
from redfish.aio import AsyncRedfishClient

from lab.bmc.bmc import LabBmc
from lab.bmc.faults import Faults
from lab.bmc.profiles import DGX_H100
from lab.bmc.server import ServedBmc, serve
from lab.bmc.simulated import SimulatedMachine
from lab.bmc.tls import LabCertificate, make_certificate
from lab.bmc.traits import PLAIN, Traits
from tests.lab_bmc.conftest import AUTH, SESSIONS, USER, UUID, boots, sushy_of

pytestmark = pytest.mark.real


async def login(http: aiohttp.ClientSession, served: ServedBmc) -> tuple[int, str, str]:
    body = {"UserName": USER[0], "Password": USER[1]}
    async with http.post(served.url + SESSIONS, json=body) as answer:
        return answer.status, answer.headers.get("X-Auth-Token", ""), answer.headers.get("Location", "")


@pytest.mark.parametrize("served", [PLAIN, DGX_H100], indirect=True, ids=["plain", "dgx"])
async def test_sushy_boots_the_network_once(served: ServedBmc, certificate: LabCertificate) -> None:
    def drive() -> str:
        with sushy_of(served, certificate) as root:
            (system,) = [s for s in root.get_system_collection().get_members() if not s.identity.startswith("HGX_")]
            assert (system.serial_number, system.uuid) == ("SN1", UUID)
            system.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE)
            assert system.power_state == sushy.POWER_STATE_OFF
            system.reset_system(sushy.RESET_ON)
            return str(system.path)

    assert await asyncio.to_thread(drive) == f"/redfish/v1/Systems/{served.bmc.traits.system_id}"
    await served.bmc.chassis.settled()
    assert boots(served) == ["network"]
    assert served.bmc.chassis.override.enabled == "Disabled"
    assert not served.bmc.ledger.stale_writes


async def test_dmtfs_client_powers_and_boots(served: ServedBmc, certificate: LabCertificate) -> None:
    def drive() -> tuple[int, int, str]:
        client: Any = redfish.redfish_client(
            served.url, username=USER[0], password=USER[1], max_retry=1, cafile=str(certificate.ca)
        )
        client.login(auth="session")
        override = {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "UefiHttp"}
        boot = client.patch("/redfish/v1/Systems/1", body={"Boot": override})
        reset = client.post("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", body={"ResetType": "On"})
        client.logout()
        return boot.status, reset.status, client.get_session_key() or ""

    assert (await asyncio.to_thread(drive))[:2] == (204, 204)
    await served.bmc.chassis.settled()
    assert boots(served) == ["network"]
    assert served.bmc.sessions.listed() == ()


async def test_dmtfs_asynchronous_client_logs_in_and_out(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    async with AsyncRedfishClient(served.url, *USER, session=http) as client:
        assert (await client.get("/redfish/v1/Systems/1")).dict["SerialNumber"] == "SN1"
        assert len(served.bmc.sessions.listed()) == 1
    assert served.bmc.sessions.listed() == ()


async def test_a_stale_write_is_refused_and_in_the_ledger(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    _, token, location = await login(http, served)
    reset = f"{served.url}/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"
    async with http.delete(served.url + location, headers={"X-Auth-Token": token}) as answer:
        assert answer.status == 204
    for stale in (token, "never-was"):
        async with http.post(reset, json={"ResetType": "On"}, headers={"X-Auth-Token": stale}) as answer:
            assert answer.status == 401
    await served.bmc.chassis.settled()
    assert boots(served) == []
    assert [w.known for w in served.bmc.ledger.stale_writes] == [True, False]
    async with http.get(f"{served.url}/lab/ledger") as answer:
        text = await answer.text()
    assert "stale write: POST /redfish/v1/Systems/1/Actions/ComputerSystem.Reset (ended session)" in text


@pytest.mark.parametrize("served", [Traits(session_limit=2)], indirect=True)
async def test_sessions_are_limited(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    assert [(await login(http, served))[0] for _ in range(3)] == [201, 201, 503]


@pytest.mark.parametrize("served", [DGX_H100], indirect=True)
async def test_if_match_is_demanded_and_checked(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    url = f"{served.url}/redfish/v1/Systems/DGX/SD"
    override = {"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}
    async with http.get(url, headers=AUTH) as answer:
        etag = answer.headers["ETag"]
    seen = []
    for headers in ({}, {"If-Match": '"0"'}, {"If-Match": etag}, {"If-Match": etag}):
        async with http.patch(url, json=override, headers=AUTH | headers) as answer:
            seen.append(answer.status)
    assert seen == [428, 412, 204, 412]


async def test_faults_are_set_over_the_admin_endpoint(served: ServedBmc, http: aiohttp.ClientSession) -> None:
    async with http.put(f"{served.url}/lab/faults", data=Faults(busy=True).encode()) as answer:
        assert answer.status == 204
    async with http.get(f"{served.url}/redfish/v1/Systems", headers=AUTH) as answer:
        assert answer.status == 503
    async with http.put(f"{served.url}/lab/faults", data=b'{"bussy": true}') as answer:
        assert answer.status == 400
        assert "bussy" in await answer.text()


async def test_many_bmcs_in_one_process(
    certificate: LabCertificate, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    own = make_certificate(tmp_path, "127.0.0.1", "127.9.0.1")
    machines = [SimulatedMachine(f"SN{n}", UUID) for n in range(20)]
    rack = [await serve(LabBmc(m), certificate=certificate) for m in machines]
    rack.append(await serve(LabBmc(SimulatedMachine("OTHER", UUID)), host="127.9.0.1", certificate=own))
    try:
        for machine, served in zip(machines, rack, strict=False):
            async with http.get(f"{served.url}/redfish/v1/Systems/1", headers=AUTH) as answer:
                assert (await answer.json())["SerialNumber"] == machine.serial
        assert rack[-1].address.startswith("127.9.0.1:")
    finally:
        for served in rack:
            await served.close()
