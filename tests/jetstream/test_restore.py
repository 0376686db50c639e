"""Failure 21 on a real server: the store's directory copied in mid-run, put back when the node serves: nothing is wiped."""

import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.witness import Witness
from app.worker import Ports, build_worker
from burn_in.proof import SoftwareProof
from lab.nats import throwaway_server
from tests.fakes.boot_side import BootSide
from tests.fakes.world import World
from tests.workflows.samples import desired
from workflows.engine.epoch import close_older_grants, declare_restored, make_epoch
from workflows.engine.look import look
from workflows.engine.worker import Worker
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login
from workflows.model.epoch import Epoch
from workflows.model.errors import Refused
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.real

WISH = desired()


class Sequenced:
    """The site's store, with the count that the simulated machine notes down."""

    sequence = 0

    def __init__(self, store: Any):
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@asynccontextmanager
async def services(server: EmbeddedServer, machine: World | None = None) -> AsyncIterator[tuple[JetStreamSite, World]]:
    """A connection, and the one machine, which is the same whatever store the boot service works with."""
    async with open_site([server.url], Login("worker"), "lab") as site:
        store = Sequenced(site.store)
        world = machine or World(store, site.bus, site.clock, BootSide(store, site.bus), WISH)
        world.store, world.bus, world.clock, world.boot_side = store, site.bus, site.clock, BootSide(store, site.bus)
        world.boot_side.know(WISH)
        yield site, world


def worker(site: JetStreamSite, world: World, epoch: Epoch) -> Worker:
    settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC, epoch=epoch)
    ports = Ports(
        site.store, site.bus, site.clock, site.evidence, world, world, world, SoftwareProof(site.evidence), world
    )
    return build_worker("w1", settings, ports, random.Random(1))  # noqa: S311


async def test_a_store_that_is_put_back_in_mid_run_wipes_nothing(tmp_path: Path) -> None:
    backup, file = tmp_path / "backup", tmp_path / "data" / "store.json"
    async with throwaway_server(tmp_path / "nats") as server:
        live = server.directory / "store"
        async with services(server) as (site, world):
            await make_epoch(site.store, site.clock)
            epoch = await Witness(site.store, site.clock, file).meet()
            world.ignores_network = True
            await site.store.put(f"desired.{WISH.node}", WISH.encode(), expect=0)
            await worker(site, world, epoch).tend(WISH.node)
            assert (await look(site.store, WISH.node)).status.step == "deploy"
        await server.stop()
        shutil.copytree(live, backup)
        await server.start()
        async with services(server, world) as (site, world):
            await Witness(site.store, site.clock, file).meet()
            world.ignores_network = False
            await world.network_boot()
            world.up = True
            await worker(site, world, epoch).tend(WISH.node)
            assert (await look(site.store, WISH.node)).status.state is NodeState.IN_SERVICE
            assert world.wipes == 1
        await server.stop()
        shutil.rmtree(live)
        shutil.copytree(backup, live)
        await server.start()
        async with services(server, world) as (site, world):
            witness = Witness(site.store, site.clock, file)
            with pytest.raises(Refused, match="forgotten"):
                await witness.meet()
            await declare_restored(site.store, site.clock)
            new = await witness.meet()
            await close_older_grants(site.store, "lab", new)
            await world.network_boot()
            await worker(site, world, new).tend(WISH.node)
            view = await look(site.store, WISH.node)
            assert (view.status.state, world.wipes) == (NodeState.PARKED, 1)
            assert view.status.reason.startswith("store restored")
