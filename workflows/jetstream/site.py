"""One site's JetStream, connected: the four ports over one connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from workflows.jetstream.bus import JetStreamBus
from workflows.jetstream.clock import ServerClock
from workflows.jetstream.evidence import JetStreamEvidence
from workflows.jetstream.store import JetStreamStore
from workflows.jetstream.wire import Login, Wire, connect
from workflows.model.keys import Site


@dataclass(frozen=True, slots=True)
class JetStreamSite:
    """The ports of ``engine.ports`` that JetStream implements, and the connection that they share."""

    store: JetStreamStore
    bus: JetStreamBus
    evidence: JetStreamEvidence
    clock: ServerClock
    wire: Wire


@asynccontextmanager
async def open_site(
    servers: Sequence[str],
    login: Login,
    site: Site,
    *,
    tls: ssl.SSLContext | None = None,
    patience: timedelta = timedelta(seconds=10),
) -> AsyncIterator[JetStreamSite]:
    """Connect to a site whose streams exist (see ``ensure_streams``); the clock is kept while it is open.

    Raises:
        Refused: the credential is wrong, or there are no streams yet.
        Unreachable: no server, or no answer from it.
    """
    async with connect(servers, login, tls=tls, patience=patience) as wire:
        store = JetStreamStore(wire)
        bus = JetStreamBus(wire, site)
        clock = await ServerClock.sampled(store)
        keeping = asyncio.get_running_loop().create_task(clock.keep())
        try:
            yield JetStreamSite(store, bus, JetStreamEvidence(wire), clock, wire)
        finally:
            keeping.cancel()
            await bus.close()
            await asyncio.wait((keeping,))
