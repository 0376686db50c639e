"""Connects a service, or a person, to the site's NATS by the configuration."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import yaml

from app.config import Config
from frontends.site import ConnectedSite
from workflows.engine.ports import Secrets
from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login, connect
from workflows.model.errors import BadInput


@asynccontextmanager
async def connected(
    config: Config, secrets: Secrets, who: str, *, make_streams: int | None = None, login: Login | None = None
) -> AsyncIterator[JetStreamSite]:
    """Connect as ``who``: by ``login``, the configuration's login file or its secret ``<nats.credentials>/<who>``.

    With ``make_streams`` (the number of replicas) the site's streams are made, or mended, first.

    Raises:
        BadInput: no NATS url in the configuration.
        Refused: the credential is missing or wrong.
        Unreachable: no server answers.
    """
    if config.nats.url is None:
        raise BadInput("the configuration names no nats.url: add it, or start everything with bringup up")
    login = login or _login(config, secrets, who)
    tls = await asyncio.to_thread(ssl.create_default_context, cafile=str(config.nats.ca)) if config.nats.ca else None
    servers = config.nats.url.split(",")
    if make_streams is not None:
        async with connect(servers, login, tls=tls) as wire:
            await ensure_streams(wire, replicas=make_streams)
    async with open_site(servers, login, config.settings.site, tls=tls) as site:
        yield site


def _login(config: Config, secrets: Secrets, who: str) -> Login:
    if config.nats.login is not None:
        fields = yaml.safe_load(config.nats.login.read_text())
        return Login(str(fields["who"]), str(fields["seed"]))
    if config.nats.credentials is not None:
        known = secrets.get(f"{config.nats.credentials}/{who}")
        return Login(who, known.get("seed"), known.get("password"))
    return Login(who)


def as_seen_by(site: JetStreamSite, config: Config) -> ConnectedSite:
    """What a frontend sees of a connected site."""
    return ConnectedSite(site.store, site.bus, site.clock, site.evidence, config.settings, config.who)
