"""The site: network, machines, subnet, NATS, and the services; ``racked`` adds NetBox and what people do there."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.infiniband.subnet import Subnet
from lab.nats import guarded_server
from lab.nfs import NfsServer
from lab.qemu.provisioning import ADDRESS, Provisioning, provisioning
from lab.site.files import SITE, NetBoxAccess, write_configuration, write_profiles, write_site_secrets
from lab.site.machines import Machine, machine_names, make_machines
from lab.site.services import Services
from workflows.jetstream.permissions import Role
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login
from workflows.model.errors import BadInput, Unreachable
from workflows.model.profile import Image

#: Each service and each person has a login of its own; the streams' owner is none of them.
LOGINS = {
    "admin": Role.ADMIN,
    "worker": Role.WORKER,
    "sync": Role.SYNC,
    "boot": Role.BOOT,
    "ann": Role.PERSON,
    "bob": Role.PERSON,
}
#: ibsim takes ten clients at once: OpenSM, one question on its side, and a tool on each machine.
MACHINES_AT_MOST = 8
_MANAGER = "manager"
_SUBNET_PORT, _NFS_PORT = 7070, 2049
_LOOK = 0.5


@dataclass(frozen=True, slots=True)
class RealSite:
    """Everything that runs. ``seen`` is the site by a person's login: what anybody may read."""

    directory: Path
    lab: Provisioning
    machines: list[Machine]
    subnet: Subnet
    nats: EmbeddedServer
    logins: dict[str, Login]
    seen: JetStreamSite
    services: Services

    @property
    def image(self) -> Image:
        """The image that a release names."""
        return self.lab.published.image

    @property
    def config(self) -> Path:
        """The site's configuration file."""
        return self.services.config

    @asynccontextmanager
    async def login(self, who: str) -> AsyncIterator[JetStreamSite]:
        """The site's NATS as this login has it."""
        async with open_site([self.nats.url], self.logins[who], SITE) as site:
            yield site

    async def send(self, who: str, verb: str, **body: str) -> None:
        """A plain message of this person, with nothing of ours on the sender's side but the connection."""
        async with self.login(who) as site:
            await site.bus.publish(f"command.{who}.{verb}.{SITE}", json.dumps(body).encode())

    async def status(self, node: str) -> dict[str, object]:
        """The node's status as the store has it."""
        value = await self.seen.store.get(f"status.{node}")
        return dict(json.loads(value.data)) if value.data is not None else {}

    async def until(self, what: str, true: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until something holds.

        Raises:
            Refused: a service ended by itself.
            Unreachable: not within ``seconds``; with the last words of everything that runs.
        """
        end = time.monotonic() + seconds
        while not await true():
            self.services.check()
            if time.monotonic() > end:
                raise Unreachable(f"{what}: not within {seconds:.0f} s\n{self.last_words()}")
            await asyncio.sleep(_LOOK)

    def last_words(self) -> str:
        """The ends of all logs."""
        logs = [*self.directory.glob("*.log"), *(m.qemu.console for m in self.machines)]
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-2500:]}" for p in logs if p.exists())


@asynccontextmanager
async def real_site(directory: Path, netbox: NetBoxAccess, cache: Path, machines: int) -> AsyncIterator[RealSite]:
    """The site, without any of our services running yet. ``cache`` keeps built images; ``machines``: 1 to 8.

    Raises:
        BadInput: more machines than the simulated subnet takes.
        Refused: not root, a Debian package is missing, or a counterpart didn't start; the message names it.
    """
    if not 0 < machines <= MACHINES_AT_MOST:
        raise BadInput(f"this site has 1 to {MACHINES_AT_MOST} machines, not {machines}")
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(provisioning(directory, cache=cache, site=SITE, machines=machines))
        made, bmc_ca = await make_machines(stack, lab.network, directory, machines)
        await stack.enter_async_context(_storage(directory / "nfs", lab))
        subnet = await stack.enter_async_context(_subnet(directory / "subnet", lab, machines))
        nats, logins = await stack.enter_async_context(guarded_server(directory / "nats", LOGINS))
        listeners = lab.listeners()
        for listener in listeners:
            stack.callback(listener.close)
        sockets = [listener.fileno() for listener in listeners]
        config = directory / "site.yaml"
        write_configuration(config, lab, subnet, nats.url, netbox, sockets)
        write_site_secrets(directory / "secrets", lab, netbox, bmc_ca, logins)
        write_profiles(directory / "profiles", lab, subnet, made)
        services = Services(directory, config, sockets)
        stack.push_async_callback(services.stop)
        seen = await stack.enter_async_context(open_site([nats.url], logins["ann"], SITE))
        yield RealSite(directory, lab, made, subnet, nats, logins, seen, services)


def _storage(directory: Path, lab: Provisioning) -> NfsServer:
    exported = directory / "export"
    exported.mkdir(parents=True)
    return NfsServer(directory, exported, _NFS_PORT, str(ADDRESS), lab.network.prefix)


def _subnet(directory: Path, lab: Provisioning, machines: int) -> Subnet:
    """A host a machine, and one where the manager runs and is asked. Over UDP, for the machines are beyond a bridge."""
    directory.mkdir()
    hosts = (*machine_names(machines), _MANAGER)
    return Subnet(directory, hosts, _MANAGER, lab.network.prefix, _SUBNET_PORT, str(ADDRESS))
