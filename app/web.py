"""Runs the web page: its listener, its login ``web``, and what it follows."""

import asyncio
import ipaddress
import ssl

from aiohttp import web

from app.boot import listener
from app.config import Config, WebConfig
from frontends.live import LiveSite
from frontends.plan import Known
from frontends.site import ConnectedSite
from frontends.web.page import Page
from frontends.web.people import People
from workflows.jetstream.site import JetStreamSite
from workflows.model.errors import BadInput

WHO = "web"
_SHUTDOWN_S = 1.0


async def serve_web(config: Config, site: JetStreamSite, live: LiveSite, known: Known) -> None:
    """Serve until cancelled; ``live`` is followed elsewhere.

    Raises:
        BadInput: no web section, tokens would be sent in the clear, the people's file or the certificate can't be read.
    """
    if config.web is None:
        raise BadInput("the configuration has no section web: add one (docs/web.md), or don't start the page here")
    tls = await asyncio.to_thread(_tls, config.web)
    people = People(config.web.people)
    await asyncio.to_thread(people.all)
    seen = ConnectedSite(site.store, site.bus, site.clock, site.evidence, config.settings, WHO)
    url = config.web.url or ("https://" if tls is not None else "http://") + config.web.listen
    runner = web.AppRunner(
        Page(seen, live, people, known, url).application(), access_log=None, shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener(config.web.listen), ssl_context=tls).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _tls(config: WebConfig) -> ssl.SSLContext | None:
    """Our own TLS; None where a proxy in front has it, or nobody but this host is served."""
    if config.certificate is not None and config.key is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(config.certificate, config.key)
        except (OSError, ssl.SSLError) as error:
            raise BadInput(f"web.certificate {config.certificate} or web.key can't be used: {error}") from None
        return context
    if not _stays_here(config.listen) and not (config.url or "").startswith("https://"):
        raise BadInput(
            f"web.listen {config.listen} is reached over the network without TLS, so tokens could be read there: "
            "give certificate and key, or listen on loopback behind a proxy, or name the proxy's https url"
        )
    return None


def _stays_here(where: str) -> bool:
    if where.startswith("fd:"):
        return True
    host = where.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
