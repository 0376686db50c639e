"""One worker of ``bringup lab chaos``: ``python -m app.chaos_worker SITE_YAML FARM_JSON NAME CLOCK REAL_NODE...``.

Engine, store, reconciler, command consumer and Redfish driver are the product's own, wired as ``bringup worker`` wires
them. The lab's are what reaches the simulated machines (``lab/chaos/reach.py``), the inventory, and a store that keeps a
line for each refused write. ``CLOCK`` is ``standing`` for a worker that doesn't notice its pauses, else ``passing``.
"""

import asyncio
import sys
from pathlib import Path

import burn_in.probes
from app.config import Config, load_config
from app.services import meet_store
from app.site_worker import run_worker
from app.worker import Ports
from burn_in.proof import SoftwareProof
from lab.chaos.farm import Farm
from lab.chaos.reach import EntryAnsible, EntryJudge
from lab.chaos.refusals import WitnessedStore
from lab.chaos.standing import StandingClock, StandingLoop
from lab.inventory import FileInventory
from lab.rack.rack import ROLES
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.drivers.bmcs import BmcDrivers
from workflows.drivers.secrets import FileSecrets
from workflows.jetstream.site import open_site
from workflows.jetstream.wire import Login

STANDING = "standing"


async def main(config: Config, farm: Farm, name: str, real: frozenset[str]) -> None:
    """Serve until killed."""
    assert config.nats.url is not None
    secrets = FileSecrets(config.secrets)
    loop = asyncio.get_running_loop()
    pulses = [loop.pulse()] if isinstance(loop, StandingLoop) else []
    async with open_site(config.nats.url.split(","), Login(name), config.settings.site) as site:
        config, witness = await meet_store(config, site, name)
        probes = Path(burn_in.probes.__file__).parent
        driver = AnsibleDriver(site.bus, secrets, ROLES, probes, command_prefix=farm.command_prefix)
        public = secrets.get(config.ansible.key)["public_key"]
        ports = Ports(
            store=WitnessedStore(site.store, config.data / f"{name}.refused"),
            bus=site.bus,
            clock=StandingClock(site.clock, loop) if isinstance(loop, StandingLoop) else site.clock,
            evidence=site.evidence,
            bmcs=BmcDrivers(secrets),
            ansible=EntryAnsible(Path(farm.sockets), public, driver, real),
            judge=EntryJudge(),
            proof=SoftwareProof(site.evidence),
            inventory=FileInventory(config.data / "inventory"),
        )
        async with asyncio.TaskGroup() as group:
            for service in (run_worker(config, site, ports, name), witness.watch(), *pulses):
                group.create_task(service)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=StandingLoop if sys.argv[4] == STANDING else None) as runner:
        known = load_config(Path(sys.argv[1])), Farm.decode(Path(sys.argv[2]).read_bytes())
        runner.run(main(*known, sys.argv[3], frozenset(sys.argv[5:])))
