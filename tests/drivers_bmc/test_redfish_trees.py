"""Recorded trees of real machines are read right: which System, who it is, what it takes. Served as files on loopback."""

import json
import tarfile
from pathlib import Path

import pytest
from aiohttp import web

from tests.drivers_bmc.conftest import Secrets
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import BootTarget, Power
from workflows.model.desired import BmcTarget
from workflows.model.profile import BmcProtocol

pytestmark = pytest.mark.real

TREES = [
    (
        "dgx-h100",
        "/redfish/v1/Systems/DGX",
        "1662923610124",
        "b11dd4f2-bfde-1000-02bc-5cff35fbe6e9",
        ("5c:ff:35:fe:04:b1", 5),
        ("NVIDIA", "DGXH100"),
        ("/redfish/v1/Systems/DGX/SD", "UefiHttp", '"1720574208"'),
    ),
    (
        "gb200",
        "/redfish/v1/Systems/System_0",
        None,
        "501f2928-84ea-8579-cf52-dc2dbd2e4656",
        ("", 0),
        ("", ""),
        ("/redfish/v1/Systems/System_0/Settings", "Pxe", None),
    ),
    (
        "supermicro-sys-821ge-tnhr",
        "/redfish/v1/Systems/1",
        "S889914X3710910",
        "00000000-0000-0000-0000-7cc25550a8ff",
        ("7c:c2:55:79:3f:8e", 12),
        ("Supermicro", "SYS-821GE-TNHR"),
        ("/redfish/v1/Systems/1", "UefiHttp", '"a0a7128477b3552049bdbf0d3286de78"'),
    ),
]


@pytest.mark.parametrize("tree", TREES, ids=[t[0] for t in TREES])
async def test_recorded_tree(tree: tuple, samples: Path, tmp_path: Path) -> None:  # type: ignore[type-arg]
    name, system, serial, uuid, (mac, count), (vendor, model), (boot_path, boot_target, etag) = tree
    with tarfile.open(samples / f"{name}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    writes: list[tuple[str, str, dict[str, object], str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST" and request.path.endswith("/Sessions"):
            return web.json_response({}, status=201, headers={"X-Auth-Token": "t", "Location": f"{request.path}/1"})
        if request.method in ("POST", "PATCH"):
            writes.append((request.method, request.path, await request.json(), request.headers.get("If-Match")))
        if request.method != "GET":
            return web.Response(status=204)
        file = tmp_path / request.path.strip("/") / "index.json"
        return web.json_response(json.loads(file.read_text())) if file.is_file() else web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    secrets = Secrets(bmc={"username": "u", "password": "p", "insecure": "true"})
    target = BmcTarget(address=f"http://127.0.0.1:{port}", credential="bmc")
    bmc = BmcDrivers(secrets).connect(target, BmcProtocol.REDFISH)
    try:
        facts = await bmc.facts()
        await bmc.open()
        await bmc.boot(BootTarget.NETWORK_ONCE)
        await bmc.power(Power.OFF)
        await bmc.reset_bmc()
    finally:
        await bmc.close()
        await runner.cleanup()
    assert (facts.system, facts.serial, facts.uuid) == (system, serial, uuid)
    assert (mac in facts.macs, len(facts.macs)) == (bool(mac), count)
    assert (facts.vendor, facts.model, facts.power, facts.boot) == (vendor, model, Power.ON, BootTarget.DISK)
    override = {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": boot_target}
    assert writes[0] == ("PATCH", boot_path, {"Boot": override}, etag)
    assert writes[1] == ("POST", f"{system}/Actions/ComputerSystem.Reset", {"ResetType": "ForceOff"}, None)
    assert writes[2][1].endswith("/Actions/Manager.Reset")
