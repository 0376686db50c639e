"""One connection of one service to the site's NATS, with everything of ours that lives on it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.config import Config
from frontends.site import ConnectedSite
from workflows.drivers.secrets import FileSecrets
from workflows.engine.ports import Secrets
from workflows.jetstream.bus import JetStreamBus
from workflows.jetstream.clock import ServerClock
from workflows.jetstream.evidence import JetStreamEvidence
from workflows.jetstream.store import JetStreamStore
from workflows.jetstream.wire import Login, Wire, connect
from workflows.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class Connection:
    """A connected service."""

    wire: Wire
    store: JetStreamStore
    bus: JetStreamBus
    clock: ServerClock
    evidence: JetStreamEvidence
    secrets: Secrets

    def site(self, config: Config) -> ConnectedSite:
        """What a frontend sees of it."""
        return ConnectedSite(self.store, self.bus, self.clock, self.evidence, config.settings, config.who)


@asynccontextmanager
async def connected(config: Config, who: str) -> AsyncIterator[Connection]:
    """Connect as ``who``: the login is the secret ``nats/<who>`` where the configuration asks for credentials.

    Raises:
        BadInput: no NATS url in the configuration.
        Refused: the credential is missing or wrong.
        Unreachable: no server answers.
    """
    if config.nats.url is None:
        raise BadInput("the configuration names no nats.url: add it, or start everything with bringup up")
    secrets = FileSecrets(config.secrets)
    login = Login(who)
    if config.nats.credentials is not None:
        fields = secrets.get(f"{config.nats.credentials}/{who}")
        login = Login(fields.get("username", who), fields.get("seed"), fields.get("password"))
    tls = await asyncio.to_thread(ssl.create_default_context, cafile=str(config.nats.ca)) if config.nats.ca else None
    async with connect(config.nats.url.split(","), login, tls=tls) as wire:
        store = JetStreamStore(wire)
        clock = await ServerClock.sampled(store)
        bus = JetStreamBus(wire, config.settings.site)
        keeping = asyncio.create_task(clock.keep(), name="clock: sample the server's time")
        try:
            yield Connection(wire, store, bus, clock, JetStreamEvidence(wire), secrets)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await bus.close()
