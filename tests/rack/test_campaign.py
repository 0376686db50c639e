"""One campaign on a real NATS server: a rack re-imaged by one command, approved by another person's login.

The commands are the CLI's, each as a process of its own under the login of ann or bob; the machines count their own wipes.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

import burn_in.probes
from app.config import Config, NatsConfig, YamlConfig
from app.connect import connected
from app.site_worker import run_worker
from app.worker import Ports
from burn_in.gate import Gate
from burn_in.proof import SoftwareProof
from frontends.cli.exits import OK, REFUSED
from inventory_sync.profiles import load_profiles
from inventory_sync.settings import SyncSettings
from inventory_sync.yaml_source import YamlSource
from lab.rack.rack import ROLES, Rack, profiles
from tests.project.tree import ROOT
from tests.rack.conftest import Boot, RackSecrets, write
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.drivers.bmcs import BmcDrivers
from workflows.jetstream.permissions import Role, User, accounts, new_key
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite
from workflows.jetstream.wire import Login
from workflows.model.campaign import Campaign, campaign_key
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeStatus

pytestmark = pytest.mark.real

PATIENCE = 180


async def bringup(config: Path, who: str, *arguments: str) -> tuple[int | None, str]:
    """A command as a person gives it; its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "--config", config, *arguments),
        cwd=ROOT,
        env=os.environ | {"BRINGUP_USER": who},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


@asynccontextmanager
async def working_site(directory: Path, boot: Boot, rack: Rack) -> AsyncIterator[tuple[Path, JetStreamSite]]:
    """NATS with a login each for ann and bob, and a worker; gives the people's configuration file."""
    keys = {who: new_key() for who in ("up", "ann", "bob")}
    roles = {"up": Role.ADMIN}
    users = [User(who, roles.get(who, Role.PERSON), public) for who, (_, public) in keys.items()]
    server = EmbeddedServer(directory / "nats", accounts=accounts(users))
    await server.start()
    write(
        directory / "secrets", {f"nats/{who}.yaml": yaml.safe_dump({"seed": seed}) for who, (seed, _) in keys.items()}
    )
    write(directory / "profiles", profiles(boot.image))
    write(directory / "inventory", rack.inventory("staged"))
    settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC, four_eyes=True)
    config = Config(
        settings=settings,
        nats=NatsConfig(url=server.url, credentials="nats"),
        yaml=YamlConfig(directory=directory / "inventory"),
        profiles=directory / "profiles",
        secrets=directory / "secrets",
        data=directory / "data",
    )
    file = write(directory, {"site.yaml": yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True))})
    secrets = RackSecrets(boot, rack)
    probes = Path(burn_in.probes.__file__).parent
    try:
        async with connected(config, secrets, "up", make_streams=1, login=Login("up", keys["up"][0])) as site:
            boot.store, boot.bus = site.store, site.bus  # type: ignore[assignment]
            await boot.stop()
            await boot.start()
            sync = SyncSettings(sites=("lab",))
            source = YamlSource(
                config.yaml.directory, "lab", site.store, site.bus, site.clock, sync, load_profiles(config.profiles)
            )
            ansible = AnsibleDriver(site.bus, secrets, ROLES, probes, command_prefix=rack.command_prefix)
            ports = Ports(
                store=site.store,
                bus=site.bus,
                clock=site.clock,
                evidence=site.evidence,
                bmcs=BmcDrivers(secrets),
                ansible=ansible,
                judge=Gate(site.evidence),
                proof=SoftwareProof(site.evidence),
                inventory=source,
            )
            services = [asyncio.create_task(source.run()), asyncio.create_task(run_worker(config, site, ports, "w1"))]
            try:
                yield file / "site.yaml", site
                for service in services:
                    assert not service.done(), service.exception()
            finally:
                for service in services:
                    service.cancel()
                await asyncio.gather(*services, return_exceptions=True)
    finally:
        await boot.stop()
        await server.stop()


async def in_service(site: JetStreamSite, count: int) -> None:
    """Until so many nodes are."""
    states: dict[str, str] = {}
    async with asyncio.timeout(PATIENCE):
        async for value in site.store.watch("status.lab.*"):
            status = NodeStatus.decode(value.data or b"")
            states[value.key] = status.state
            assert status.state not in ("failed", "parked"), status
            if list(states.values()).count("in-service") == count:
                return


async def test_a_rack_is_reimaged_by_one_command_and_another_persons_approval(boot: Boot, tmp_path: Path) -> None:
    async with (
        Rack(2, tmp_path / "rack-of-two", boot.url, post_seconds=0.01) as rack,
        working_site(tmp_path / "site", boot, rack) as (config, site),
    ):
        await in_service(site, 2)
        code, said = await bringup(config, "ann", "reimage", "rack:R1", "--yes", "--reason", "kernel", "--json")
        assert code == OK, said
        campaign = json.loads(said)["campaign"]
        code, said = await bringup(config, "ann", "approve", f"campaign:{campaign}")
        assert (code, "under four eyes another person approves" in said) == (REFUSED, True), said
        assert [slot.machine.counts.wipes for slot in rack.slots] == [1, 1]
        code, said = await bringup(config, "bob", "approve", f"campaign:{campaign}")
        assert code == OK, said
        async with asyncio.timeout(PATIENCE):
            async for value in site.store.watch(campaign_key("lab", campaign)):
                if not Campaign.decode(value.data or b"").live:
                    break
        canary, second = [await site.store.list(f"journal.lab.lab-00{n}.{campaign}.>") for n in (1, 2)]
        assert canary[-1].seq < second[0].seq, "the canary goes alone"
        code, said = await bringup(config, "bob", "campaign", campaign)
        assert (code, "rack:R1: 2 of 2 in service" in said) == (OK, True), said
        assert [slot.machine.counts.wipes for slot in rack.slots] == [2, 2]
        assert [slot.bmc.bmc.ledger.stale_writes for slot in rack.slots] == [[], []]
