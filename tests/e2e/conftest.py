"""A site of one machine that stands *planned* in NetBox, with the project's services running."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inventory_sync.api import NetBoxApi
from inventory_sync.netbox_setup import ensure, wanted
from inventory_sync.settings import SyncSettings
from lab.netbox.seed import SeedDevice, seed_site
from lab.netbox.serve import NetBoxServer
from lab.nfs import EXPORT, NfsServer
from tests.e2e.lab import GATEWAY, SITE, Machine, RealSite, real_site

HOOK_SECRET = "hook-secret"
PROVISION_SECONDS = 900


@dataclass
class Rack:
    """The site, NetBox's API as a person uses it, and the one device."""

    site: RealSite
    api: NetBoxApi
    device: int

    @property
    def node(self) -> str:
        """The device's node key."""
        return f"{SITE}.nb-{self.device}"

    @property
    def machine(self) -> Machine:
        """The one machine."""
        return self.site.machines[0]

    async def known(self) -> None:
        """Until the sync has seen the device."""

        async def seen() -> bool:
            return (await self.site.site.store.get(f"desired.{self.node}")).data is not None

        await self.site.until("the device is known", seen, 60)

    async def stage(self) -> None:
        """What a person does in NetBox."""
        await self.api.update("dcim/devices", self.device, {"status": "staged"})

    async def until_active(self) -> dict[str, object]:
        """Until NetBox says active; a parked or failed run ends the wait with every log."""

        async def active() -> bool:
            status = await self.site.status(self.node)
            assert status.get("state") not in ("parked", "failed"), f"{status}\n{self.site.last_words()}"
            (row,) = await self.api.rows("dcim/devices", id=self.device)
            return bool(row["status"]["value"] == "active" and status.get("state") == "in-service")

        await self.site.until("in service", active, PROVISION_SECONDS)
        return await self.site.status(self.node)

    async def until_written(self, share: float, since: int) -> None:
        """Until QEMU's own count says that this share of the image has been written since."""

        async def written() -> bool:
            return await self.machine.qemu.block_written() - since > share * self.site.image.image.raw_size

        await self.site.until(f"{share:.0%} of the image on the disk", written, PROVISION_SECONDS)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        return int(holder.getsockname()[1])


@pytest.fixture
async def rack(netbox: NetBoxServer, tmp_path: Path) -> AsyncIterator[Rack]:
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
        yield Rack(site, api, seeded.devices[0])
