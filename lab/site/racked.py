"""The site with its NetBox: the devices stand *planned* there, the services run, and a person may begin."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from inventory_sync.api import NetBoxApi
from inventory_sync.netbox_setup import ensure, wanted
from inventory_sync.settings import SyncSettings
from lab.netbox.seed import SeedDevice, seed_site, service_account
from lab.netbox.serve import NetBoxServer
from lab.nfs import EXPORT, free_port
from lab.qemu.provisioning import ADDRESS, PREFIX
from lab.site.files import RELEASE, SITE, NetBoxAccess
from lab.site.machines import Machine
from lab.site.real import RealSite, real_site
from workflows.model.errors import Refused
from workflows.model.status import NodeState

ACTIVE = "active"
PROVISION_SECONDS = 900.0
_HOOK_KEY = "hook-key-of-the-lab"
_KNOWN_SECONDS, _WRITE_BACK_SECONDS = 60.0, 60.0


@dataclass(frozen=True, slots=True)
class Racked:
    """A site and its NetBox as a person uses it. ``devices`` are primary keys, in the order of the machines."""

    site: RealSite
    api: NetBoxApi
    devices: tuple[int, ...]

    @property
    def nodes(self) -> list[str]:
        """The devices' node keys."""
        return [f"{SITE}.nb-{device}" for device in self.devices]

    async def known(self) -> None:
        """Until the sync has seen every device."""

        async def seen() -> bool:
            found = [await self.site.seen.store.get(f"desired.{node}") for node in self.nodes]
            return all(value.data is not None for value in found)

        await self.site.until("the devices are known", seen, _KNOWN_SECONDS)

    async def stage(self) -> None:
        """What a person does in NetBox to have the machines taken into service."""
        for device in self.devices:
            await self.api.update("dcim/devices", device, {"status": "staged"})

    async def netbox_status(self, device: int) -> str:
        """The device's status in NetBox."""
        (row,) = await self.api.rows("dcim/devices", id=device)
        return str(row["status"]["value"])

    async def until_written_back(self) -> None:
        """Until NetBox says active of every device; raises as ``RealSite.until`` does."""

        async def active() -> bool:
            return all([await self.netbox_status(device) == ACTIVE for device in self.devices])

        await self.site.until("NetBox says active", active, _WRITE_BACK_SECONDS)

    async def until_in_service(self, *, after: str = "") -> dict[str, object]:
        """Until the first node is in service by another run than ``after``, in NetBox too; its status.

        Raises:
            Refused: its run failed or parked; with every log.
            Unreachable: not within a quarter of an hour.
        """
        node = self.nodes[0]

        async def in_service() -> bool:
            status = await self.site.status(node)
            if status.get("state") in (NodeState.PARKED, NodeState.FAILED) and not status.get("digest"):
                raise Refused(f"{status}\n{self.site.last_words()}")
            return status.get("state") == NodeState.IN_SERVICE and status["run"] != after

        await self.site.until("in service", in_service, PROVISION_SECONDS)
        await self.until_written_back()
        return await self.site.status(node)

    async def until_written(self, share: float, *, since: int = 0) -> None:
        """Until QEMU's own count says that the first machine wrote this share of the image since it stood at ``since``."""
        machine, image = self.site.machines[0], self.site.image

        async def written() -> bool:
            return await machine.qemu.block_written() - since > share * image.raw_size

        await self.site.until(f"{share:.0%} of the image on the disk", written, PROVISION_SECONDS)


@asynccontextmanager
async def racked(directory: Path, netbox: NetBoxServer, cache: Path, machines: int = 1) -> AsyncIterator[Racked]:
    """A site over an empty NetBox, with ``sync``, ``boot`` and ``worker`` running. Raises as ``real_site`` does."""
    api, settings = NetBoxApi(netbox.url, netbox.token), SyncSettings(sites=(SITE,))
    hook = f"127.0.0.1:{free_port()}"
    await ensure(api, wanted(settings, f"http://{hook}", _HOOK_KEY), dry_run=False)
    access = NetBoxAccess(netbox.url, await service_account(api, settings), hook, _HOOK_KEY)
    async with real_site(directory, access, cache, machines) as site:
        mounts = [
            {"target": "/data", "source": f"{ADDRESS}:{EXPORT}", "fstype": "nfs4", "options": ["hard", "vers=4.2"]}
        ]
        seeded = await seed_site(
            api,
            *_devices(site, site.machines),
            site=SITE,
            prefixes=(str(PREFIX),),
            context={"bringup": {"mounts": mounts}},
        )
        for service in ("sync", "boot", "worker"):
            await site.services.start(service)
        yield Racked(site, api, seeded.devices)


def _devices(site: RealSite, machines: Sequence[Machine]) -> list[SeedDevice]:
    return [
        SeedDevice(
            name=machine.name,
            serial=machine.qemu.serial,
            macs=machine.qemu.macs,
            guids=(_wwn(site.subnet.guid(machine.name)),),
            address=f"{machine.address}/{PREFIX.prefixlen}",
            bmc=f"{machine.bmc_address}/32",
            fields={"bringup_sku": machine.name, "bringup_release": RELEASE},
        )
        for machine in machines
    ]


def _wwn(guid: str) -> str:
    """A port GUID as NetBox takes it: eight pairs."""
    digits = guid.removeprefix("0x")
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
