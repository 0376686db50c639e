"""The spine: a status set in NetBox takes a machine that nobody touched into service, every part real but the hardware."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inventory_sync.api import NetBoxApi
from inventory_sync.netbox_setup import ensure, wanted
from inventory_sync.settings import SyncSettings
from lab.netbox.seed import SeedDevice, seed_site
from lab.netbox.serve import NetBoxServer
from lab.nfs import EXPORT, NfsServer
from tests.e2e.lab import GATEWAY, SITE, RealSite, real_site

pytestmark = pytest.mark.e2e

HOOK_SECRET = "hook-secret"
PROVISION_SECONDS = 600


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        return int(holder.getsockname()[1])


@pytest.fixture
async def rack(netbox: NetBoxServer, tmp_path: Path) -> AsyncIterator[tuple[RealSite, NetBoxApi, int]]:
    """A site of one machine that stands ``planned`` in NetBox, with the project's services running."""
    hook = f"127.0.0.1:{free_port()}"
    exported = tmp_path / "export"
    exported.mkdir()
    known = {"url": netbox.url, "token": netbox.token, "webhook_listen": hook, "secret": HOOK_SECRET}
    async with (
        real_site(tmp_path, known) as site,
        NfsServer(tmp_path, exported, 2049, GATEWAY, tuple(site.network.inside())),
    ):
        api = NetBoxApi(netbox.url, netbox.token)
        await ensure(api, wanted(SyncSettings(sites=(SITE,)), f"http://{hook}", HOOK_SECRET), dry_run=False)
        mounts = [
            {"target": "/data", "source": f"{GATEWAY}:{EXPORT}", "fstype": "nfs4", "options": ["hard", "vers=4.2"]}
        ]
        machine = site.machines[0]
        seeded = await seed_site(
            api,
            SeedDevice(
                name=machine.name,
                serial=machine.qemu.serial,
                macs=machine.qemu.macs,
                address=f"{machine.address}/24",
                bmc=f"{machine.bmc_address}/32",
                fields={"bringup_sku": machine.name, "bringup_release": "debian-12"},
            ),
            prefixes=("10.77.0.0/24",),
            context={"bringup": {"mounts": mounts}},
        )
        for service in ("sync", "boot", "worker"):
            await site.start(service)
        yield site, api, seeded.devices[0]


async def test_staged_in_netbox_becomes_active_by_evidence(rack: tuple[RealSite, NetBoxApi, int]) -> None:
    site, api, device = rack
    machine = site.machines[0]
    node = f"{SITE}.nb-{device}"

    async def known() -> bool:
        return (await site.site.store.get(f"desired.{node}")).data is not None

    async def active() -> bool:
        status = await site.status(node)
        assert status.get("state") not in ("parked", "failed"), f"{status}\n{site.last_words()}"
        (row,) = await api.rows("dcim/devices", id=device)
        return bool(row["status"]["value"] == "active")

    await site.until("the device is known", known, 60)
    assert machine.bmc.bmc.ledger.writes == 0, "planned: nothing may be touched"

    await api.update("dcim/devices", device, {"status": "staged"})
    await site.until("in service", active, PROVISION_SECONDS)

    status = await site.status(node)
    assert status["accepted_run"] == status["run"]
    written = await machine.qemu.block_written()
    assert site.image.image.raw_size <= written <= 1.2 * site.image.image.raw_size + (64 << 20)
    assert machine.qemu.data_untouched()
    assert machine.qemu.boots == 2, "one network boot, and the proof boot from disk"
    assert machine.bmc.bmc.ledger.stale_writes == []
    entries = await api.rows("extras/journal-entries", assigned_object_id=device)
    assert any("succeeded" in e["comments"] for e in entries)
    shown = await site.cli("status")
    assert "in-service" in shown
