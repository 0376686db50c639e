"""A synchronisation on a real NetBox with the least permissions, the state in memory, and its webhook endpoint open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp.test_utils import TestServer

from inventory_sync.api import NetBoxApi
from inventory_sync.changelog import ChangeLog
from inventory_sync.fanout import Touched
from inventory_sync.netbox_setup import ensure, wanted
from inventory_sync.service import InventorySync
from inventory_sync.settings import SyncSettings
from inventory_sync.sync import Sync
from inventory_sync.webhook import webhook_app
from lab.memory.bus import MemoryBus
from lab.memory.clock import LocalClock
from lab.memory.evidence import MemoryEvidence
from lab.memory.store import MemoryStore
from lab.netbox.seed import SeedDevice, SeedSite, seed_site, service_account
from lab.netbox.serve import NetBoxServer
from tests.inventory_sync.rows import PROFILES
from workflows.model.desired import Desired
from workflows.model.status import NodeStatus

SECRET = "the webhook's secret of the test"
PATIENCE = 120.0
SETTINGS = SyncSettings(sites=("lab", "dc2"), changes_every=3600, resync_every=3600, retry_after=0.2)
CONTEXT = {"bringup": {"sku": "lab-node", "release": "2026.11"}}


def gpu(number: int, **changes: object) -> SeedDevice:
    """A device that can be served, with everything of its own by its number."""
    given: dict[str, object] = {
        "name": f"gpu-{number:03}",
        "serial": f"SN-{number:03}",
        "status": "staged",
        "macs": (f"02:00:00:00:00:{number:02x}",),
        "address": f"10.0.0.{number}/24",
        "dns_name": f"gpu-{number:03}.lab.example.com",
        "bmc": f"10.9.0.{number}/24",
    }
    return SeedDevice(**(given | changes))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Rig:
    """``admin`` is a person's token; what ``sync`` does, it does with the service account's. ``made`` is the site."""

    server: NetBoxServer
    made: SeedSite
    admin: NetBoxApi
    sync: Sync
    store: MemoryStore
    bus: MemoryBus
    evidence: MemoryEvidence

    @property
    def pk(self) -> int:
        """``gpu-001``, staged and complete, cabled to ``leaf1``, port ``swp1``."""
        return self.made.devices[0]

    @property
    def node(self) -> str:
        """Its node key."""
        return f"lab.nb-{self.pk}"

    @property
    def log(self) -> ChangeLog:
        return ChangeLog(self.sync)

    async def look(self, *pks: int) -> None:
        await self.sync.look_at(Touched(devices=frozenset(pks)) if pks else Touched(everything=True))

    async def desired(self, node: str) -> Desired:
        value = await self.store.get(f"desired.{node}")
        assert value.data is not None, f"nothing is stored of {node}"
        return Desired.decode(value.data)

    async def put_status(self, status: NodeStatus) -> None:
        key = f"status.{status.node}"
        await self.store.put(key, status.encode(), expect=(await self.store.get(key)).seq)

    async def wait_for(self, node: str, fits: Callable[[Desired], bool]) -> Desired:
        """The first stored wish of a node that fits."""
        async with asyncio.timeout(PATIENCE):
            async for value in self.store.watch(f"desired.{node}"):
                if value.data is not None and fits(Desired.decode(value.data)):
                    return Desired.decode(value.data)
        raise AssertionError

    @asynccontextmanager
    async def running(self) -> AsyncIterator[InventorySync]:
        """The whole service, until the block ends; anything it raises fails the test."""
        service = InventorySync(self.sync, LocalClock())
        task = asyncio.create_task(service.run())
        try:
            yield service
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True)
class Prepared:
    """A NetBox as ``netbox init`` leaves it, with a site of two devices, kept as ``ready``."""

    netbox: NetBoxServer
    token: str
    made: SeedSite


@pytest.fixture(scope="session")
def prepared(netbox_server: NetBoxServer) -> Prepared:
    """Made once a session."""

    async def prepare() -> Prepared:
        admin = NetBoxApi(netbox_server.url, netbox_server.token)
        await ensure(admin, wanted(SETTINGS, "http://127.0.0.1:9", SECRET), dry_run=False)
        token = await service_account(admin, SETTINGS)
        devices = (gpu(1, peers=(("leaf1", "swp1"),)), gpu(2))
        made = await seed_site(admin, *devices, prefixes=("10.0.0.0/24",), context=CONTEXT)
        admin.close()
        return Prepared(netbox_server, token, made)

    netbox_server.reset()
    done = asyncio.run(prepare())
    netbox_server.keep("ready")
    return done


@pytest.fixture
async def rig(prepared: Prepared) -> AsyncIterator[Rig]:
    """Change log and resync by hand: only what a test sets off happens."""
    netbox, token = prepared.netbox, prepared.token
    netbox.reset("ready")
    store, bus, evidence = MemoryStore(), MemoryBus("lab"), MemoryEvidence()
    admin = NetBoxApi(netbox.url, netbox.token)
    async with TestServer(webhook_app(bus, lambda: SECRET)) as endpoint:
        await ensure(admin, wanted(SETTINGS, str(endpoint.make_url("/")), SECRET)[-2:], dry_run=False)
        ours = NetBoxApi(netbox.url, token)
        yield Rig(
            netbox, prepared.made, admin, Sync(ours, store, bus, SETTINGS, PROFILES, evidence), store, bus, evidence
        )
        ours.close()
        admin.close()
