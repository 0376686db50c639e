"""Runs services until one fails or we are told to stop.

SIGTERM and Ctrl-C end a service in order: claims are released, sessions are ended, children are gone. A worker that is
killed instead loses nothing; its leases run out and others go on.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence

from app.boot import serve_boot
from app.config import Config
from app.connect import connected
from app.known import KNOWN
from app.metrics import Metrics
from app.secrets import make_secrets
from app.site_worker import serve_worker
from app.sync import serve_sync
from app.up import SELF, own_nats
from app.web import WHO, serve_web
from app.witness import Witness
from frontends.live import LiveSite
from workflows.engine.epoch import close_older_grants, declare_restored, make_epoch
from workflows.jetstream.site import JetStreamSite

type Service = Callable[[Config, JetStreamSite, Metrics], Sequence[Awaitable[None]]]


async def worker(config: Config, verbose: bool) -> None:
    """A worker alone. Raises as ``connected`` and the worker do."""
    await _serve(config, "worker", _worker, verbose)


async def sync(config: Config, verbose: bool, replicas: int, restored: bool) -> None:
    """The inventory's side alone; makes the streams and the epoch first. Raises as ``connected`` and ``serve_sync`` do."""
    await _serve(config, "sync", _sync, verbose, replicas, restored)


async def boot(config: Config, verbose: bool) -> None:
    """The boot service alone. Raises as ``connected`` and ``serve_boot`` do."""
    await _serve(config, "boot", _boot, verbose)


async def web(config: Config, verbose: bool) -> None:
    """The web page alone; its login writes nothing but commands. Raises as ``connected`` and ``serve_web`` do."""
    _logging(verbose)
    async with connected(config, make_secrets(config), WHO) as site:
        await _until_told(_web(config, site))


async def up(config: Config, verbose: bool, replicas: int, restored: bool) -> None:
    """All of them, over a NATS server of our own where the configuration names none."""
    _logging(verbose)
    async with (
        own_nats(config) as (config, login),
        connected(config, make_secrets(config), SELF, make_streams=replicas, login=login) as site,
    ):
        await _prepared(site, restored)
        config, witness = await meet_store(config, site, SELF)
        _say_so(config)
        metrics = Metrics()
        services = [witness.watch(), *_worker(config, site, metrics), *_sync(config, site, metrics)]
        if config.boot is not None:
            services += _boot(config, site, metrics)
        if config.web is not None:
            services += _web(config, site)
        await _until_told([*services, metrics.serve(config.metrics.up)])


def _say_so(config: Config) -> None:
    """One line for whoever started it by hand: what runs here, and how to look at it."""
    boot = f"; machines boot from {config.boot.http_url}" if config.boot is not None else ""
    parts = f"site {config.settings.site}, mode {config.settings.mode}, NATS at {config.nats.url}{boot}"
    sys.stderr.write(f"bringup is up: {parts}. Look with: bringup status. Ctrl-C ends it\n")


def worker_name() -> str:
    """Unique for each process of each host: it stands in leases and journals."""
    return f"{socket.gethostname().partition('.')[0]}-{os.getpid()}"


def _worker(config: Config, site: JetStreamSite, metrics: Metrics) -> Sequence[Awaitable[None]]:
    return (serve_worker(config, site, make_secrets(config), worker_name(), metrics),)


def _sync(config: Config, site: JetStreamSite, metrics: Metrics) -> Sequence[Awaitable[None]]:
    """The inventory's side, and the site's gauges: there is one of it a site."""
    live = LiveSite(site.store, config.settings.site)
    metrics.show(live, site.clock)
    return serve_sync(config, site, make_secrets(config), metrics), live.follow()


def _web(config: Config, site: JetStreamSite) -> Sequence[Awaitable[None]]:
    live = LiveSite(site.store, config.settings.site)
    return live.follow(), serve_web(config, site, live, KNOWN)


def _boot(config: Config, site: JetStreamSite, _metrics: Metrics) -> Sequence[Awaitable[None]]:
    return (_closed_then_boot(config, site),)


async def _closed_then_boot(config: Config, site: JetStreamSite) -> None:
    """The boot service; grants of a life that the store forgot are closed before it answers anybody."""
    if config.settings.epoch is not None:
        await close_older_grants(site.store, config.settings.site, config.settings.epoch)
    await serve_boot(config, site.store, site.bus, make_secrets(config))


async def _serve(
    config: Config, who: str, service: Service, verbose: bool, replicas: int | None = None, restored: bool = False
) -> None:
    _logging(verbose)
    async with connected(config, make_secrets(config), who, make_streams=replicas) as site:
        if replicas is not None:
            await _prepared(site, restored)
        config, witness = await meet_store(config, site, who)
        metrics, where = Metrics(), {"worker": config.metrics.worker, "sync": config.metrics.sync}.get(who)
        await _until_told([witness.watch(), *service(config, site, metrics), metrics.serve(where)])


async def _prepared(site: JetStreamSite, restored: bool) -> None:
    """The store has an epoch: its first, or a new one where a person said that it was restored."""
    if not restored:
        await make_epoch(site.store, site.clock)
        return
    epoch = await declare_restored(site.store, site.clock)
    sys.stderr.write(f"The store has the new epoch {epoch.id}; each run that was open waits for a person\n")


async def meet_store(config: Config, site: JetStreamSite, who: str) -> tuple[Config, Witness]:
    """The configuration with the store's epoch, if it is the store that this host knows. Raises as ``Witness.meet``."""
    witness = Witness(site.store, site.clock, config.data / f"store-{who}.json")
    settings = config.settings.model_copy(update={"epoch": await witness.meet()})
    return config.model_copy(update={"settings": settings}), witness


async def _until_told(services: Sequence[Awaitable[None]]) -> None:
    """Run services until one fails or we are told to stop; then end all of them in order."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    running = [asyncio.ensure_future(service) for service in services]
    waiting = asyncio.ensure_future(told.wait())
    try:
        done, _ = await asyncio.wait((*running, waiting), return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            task.result()
    finally:
        for task in (*running, waiting):
            task.cancel()
        await asyncio.gather(*running, waiting, return_exceptions=True)


def _logging(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
