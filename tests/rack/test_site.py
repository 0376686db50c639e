"""A whole site without NATS: the real worker provisions simulated machines that a directory of YAML files asks for."""

import asyncio
import random
from pathlib import Path

import pytest

import burn_in.probes
from app.worker import Ports, build_worker
from burn_in.gate import Gate
from burn_in.proof import SoftwareProof
from inventory_sync.profiles import load_profiles
from inventory_sync.settings import SyncSettings
from inventory_sync.yaml_source import YamlSource
from lab.memory import LocalClock, MemoryBus, MemoryEvidence
from lab.rack.rack import ROLES, Rack, profiles
from tests.rack.conftest import Boot, RackSecrets, write
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.reconciler import Reconciler
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeStatus

pytestmark = pytest.mark.real


async def test_two_staged_machines_end_in_service_with_one_wipe_each(boot: Boot, tmp_path: Path) -> None:
    clock, evidence, bus = LocalClock(), MemoryEvidence(), MemoryBus("lab")
    boot.bus = bus
    await boot.stop()
    await boot.start()
    async with Rack(2, tmp_path / "two", boot.url, post_seconds=0.01) as rack:
        data = [slot.machine.data.sha256() for slot in rack.slots]
        known = load_profiles(write(tmp_path / "profiles", profiles(boot.image)))
        source = YamlSource(
            write(tmp_path / "inventory", rack.inventory("staged")),
            "lab",
            boot.store,
            bus,
            clock,
            SyncSettings(sites=("lab",)),
            known,
        )
        secrets = RackSecrets(boot, rack)
        ports = Ports(
            store=boot.store,
            bus=bus,
            clock=clock,
            evidence=evidence,
            bmcs=BmcDrivers(secrets),
            ansible=AnsibleDriver(
                bus, secrets, ROLES, Path(burn_in.probes.__file__).parent, command_prefix=rack.command_prefix
            ),
            judge=Gate(evidence),
            proof=SoftwareProof(evidence),
            inventory=source,
        )
        settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC)
        worker = build_worker("w1", settings, ports, random.Random(1))  # noqa: S311
        reconciler = Reconciler(boot.store, bus, clock, random.Random(1))  # noqa: S311
        services = [asyncio.create_task(service()) for service in (source.run, worker.serve, reconciler.serve)]
        try:
            async with asyncio.timeout(120):
                await settled(boot, services)
        finally:
            for service in services:
                service.cancel()
            await asyncio.gather(*services, return_exceptions=True)
        for slot, before in zip(rack.slots, data, strict=True):
            machine, status = (
                slot.machine,
                NodeStatus.decode((await boot.store.get(f"status.lab.{slot.name}")).data or b""),
            )
            assert status.state == "in-service", status
            assert status.accepted_run == f"lab.{slot.name}.g1" or status.accepted_run == "g1"
            assert machine.counts.wipes == machine.system.writes() == 1
            assert machine.data.sha256() == before
            assert machine.counts.network_boots == 1
            assert machine.counts.disk_boots == 2, "the proof boot starts from the disk once more"
            assert machine.counts.modules > 0
            assert slot.bmc.bmc.ledger.stale_writes == []


async def settled(boot: Boot, services: list[asyncio.Task[None]]) -> None:
    """Until both nodes have come to their end, good or bad; a service that dies ends the wait."""
    ends: dict[str, str] = {}
    watching = asyncio.create_task(_ends(boot, ends))
    try:
        done, _ = await asyncio.wait({*services, watching}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        watching.cancel()


async def _ends(boot: Boot, ends: dict[str, str]) -> None:
    async for value in boot.store.watch("status.lab.*"):
        if value.data is not None:
            ends[value.key] = NodeStatus.decode(value.data).state
        if len(ends) == 2 and set(ends.values()) <= {"in-service", "failed", "parked"}:
            return
