"""Connects a service, or a person, to the site's NATS by the configuration."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.config import Config
from frontends.site import ConnectedSite
from workflows.engine.ports import Secrets
from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login, connect
from workflows.model.errors import BadInput


@asynccontextmanager
async def connected(
    config: Config, secrets: Secrets, who: str, *, make_streams: int | None = None
) -> AsyncIterator[JetStreamSite]:
    """Connect as ``who``: the login is the secret ``<nats.credentials>/<who>``, none where that isn't set.

    With ``make_streams`` (the number of replicas) the site's streams are made, or mended, first.

    Raises:
        BadInput: no NATS url in the configuration.
        Refused: the credential is missing or wrong.
        Unreachable: no server answers.
    """
    if config.nats.url is None:
        raise BadInput("the configuration names no nats.url: add it, or start everything with bringup up")
    login = Login(who)
    if config.nats.credentials is not None:
        fields = secrets.get(f"{config.nats.credentials}/{who}")
        login = Login(fields.get("username", who), fields.get("seed"), fields.get("password"))
    tls = await asyncio.to_thread(ssl.create_default_context, cafile=str(config.nats.ca)) if config.nats.ca else None
    servers = config.nats.url.split(",")
    if make_streams is not None:
        async with connect(servers, login, tls=tls) as wire:
            await ensure_streams(wire, replicas=make_streams)
    async with open_site(servers, login, config.settings.site, tls=tls) as site:
        yield site


def as_seen_by(site: JetStreamSite, config: Config) -> ConnectedSite:
    """What a frontend sees of a connected site."""
    return ConnectedSite(site.store, site.bus, site.clock, site.evidence, config.settings, config.who)
