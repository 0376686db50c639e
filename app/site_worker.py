"""Runs a worker: the engine over the real drivers, the reconciler, and the site's command consumer."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import burn_in.probes
from app.config import Config
from app.inventory import make_inventory
from app.metrics import Metrics
from app.thresholds import site_thresholds
from app.worker import Ports, build_worker
from burn_in.gate import Gate
from burn_in.proof import SoftwareProof
from burn_in.subnet_manager import InfinibandDiags
from workflows.catalog import STEPS, WORKFLOWS
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.drivers.bmcs import BmcDrivers
from workflows.drivers.pins import Pins
from workflows.drivers.scheduler.kubernetes import Kubernetes
from workflows.drivers.scheduler.slurm import Slurm
from workflows.engine.campaign import Preview
from workflows.engine.campaign_driver import CampaignDriver
from workflows.engine.commands import Commands
from workflows.engine.ports import Scheduler, Secrets, Store
from workflows.engine.reconciler import Reconciler
from workflows.jetstream.site import JetStreamSite
from workflows.model.desired import Desired
from workflows.model.keys import Site
from workflows.model.settings import SchedulerKind

#: Roles lie beside the packages, in a checkout and in an installed wheel alike.
ROLES = Path(__file__).parent.parent / "roles"


@dataclass(slots=True)
class _Wishes:
    """The present wishes of the site, followed by a watch, to resolve selectors without a listing a command."""

    store: Store
    site: Site
    nodes: dict[str, Desired] = field(default_factory=dict)

    def all(self) -> Iterable[Desired]:
        """All of them."""
        return list(self.nodes.values())

    async def load(self) -> None:
        """Read them once, before the first command."""
        for value in await self.store.list(f"desired.{self.site}.*"):
            if value.data is not None:
                self.nodes[value.key] = Desired.decode(value.data)

    async def follow(self) -> None:
        """For ever."""
        async for value in self.store.watch(f"desired.{self.site}.*"):
            if value.data is None:
                self.nodes.pop(value.key, None)
            else:
                self.nodes[value.key] = Desired.decode(value.data)


def real_ports(config: Config, site: JetStreamSite, secrets: Secrets) -> Ports:
    """The drivers of a real site, by its configuration."""
    subnet = config.subnet_manager
    diags = InfinibandDiags(subnet.command_prefix, subnet.environment) if subnet is not None else None
    ansible = AnsibleDriver(
        bus=site.bus,
        secrets=secrets,
        roles=ROLES,
        probes=Path(burn_in.probes.__file__).parent,
        key=config.ansible.key,
        command_prefix=config.ansible.command_prefix,
        own_roles=config.ansible.roles,
    )
    return Ports(
        store=site.store,
        bus=site.bus,
        clock=site.clock,
        evidence=site.evidence,
        bmcs=BmcDrivers(secrets, pins=Pins(config.bmc_pins)),
        ansible=ansible,
        judge=Gate(site.evidence, diags, site_thresholds(config.thresholds)),
        proof=SoftwareProof(site.evidence),
        inventory=make_inventory(config, site, secrets),
        scheduler=make_scheduler(config, secrets),
    )


def make_scheduler(config: Config, secrets: Secrets) -> Scheduler | None:
    """The site's scheduler; None where it has none, or nobody said."""
    match config.settings.scheduler:
        case SchedulerKind.SLURM:
            slurm = config.slurm
            return Slurm(slurm.command_prefix, slurm.environment, slurm.names)
        case SchedulerKind.KUBERNETES if (cluster := config.kubernetes) is not None:
            ca = str(cluster.ca) if cluster.ca else None
            return Kubernetes(cluster.url, lambda: secrets.get(cluster.token)["token"], ca, cluster.names)
    return None


async def serve_worker(config: Config, site: JetStreamSite, secrets: Secrets, name: str, metrics: Metrics) -> None:
    """Serve until cancelled."""
    await run_worker(config, site, real_ports(config, site, secrets), name, metrics)


async def run_worker(
    config: Config, site: JetStreamSite, ports: Ports, name: str, metrics: Metrics | None = None
) -> None:
    """The worker's own tasks over any ports: a site's real ones, or a lab's. ``metrics`` counts what it does."""
    metrics = metrics or Metrics()
    ports = metrics.over(ports)
    jitter = random.Random(name)  # noqa: S311 - spreads wake-ups, guards nothing
    worker = build_worker(name, config.settings, ports, jitter, metrics.counters)
    reconciler = Reconciler(ports.store, ports.bus, ports.clock, jitter)
    wishes = _Wishes(ports.store, config.settings.site)
    await wishes.load()
    preview = Preview(config.settings, STEPS, WORKFLOWS)
    commands = Commands(ports.store, ports.bus, ports.clock, config.settings, preview, wishes.all)
    driver = CampaignDriver(ports.store, ports.bus, ports.clock, config.settings, preview, wishes.all, jitter)
    async with asyncio.TaskGroup() as group:
        for service in (worker.serve(), reconciler.serve(), wishes.follow(), commands.serve(), driver.serve()):
            group.create_task(service)
