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
from app.site_worker import serve_worker
from app.sync import serve_sync
from app.up import SELF, own_nats
from workflows.drivers.secrets import FileSecrets
from workflows.jetstream.site import JetStreamSite

type Service = Callable[[JetStreamSite], Awaitable[None]]


async def worker(config: Config, verbose: bool) -> None:
    """A worker alone. Raises as ``connected`` and the worker do."""
    await _serve(config, "worker", lambda site: _worker(config, site), verbose)


async def sync(config: Config, verbose: bool, replicas: int) -> None:
    """The inventory's side alone; makes the streams first. Raises as ``connected`` and ``serve_sync`` do."""
    secrets = FileSecrets(config.secrets)
    await _serve(config, "sync", lambda site: serve_sync(config, site, secrets), verbose, replicas)


async def boot(config: Config, verbose: bool) -> None:
    """The boot service alone. Raises as ``connected`` and ``serve_boot`` do."""
    secrets = FileSecrets(config.secrets)
    await _serve(config, "boot", lambda site: serve_boot(config, site.store, site.bus, secrets), verbose)


async def up(config: Config, verbose: bool, replicas: int) -> None:
    """All of them, over a NATS server of our own where the configuration names none."""
    _logging(verbose)
    async with own_nats(config) as (config, login):
        secrets = FileSecrets(config.secrets)
        async with connected(config, secrets, SELF, make_streams=replicas, login=login) as site:
            _say_so(config)
            services = [_worker(config, site), serve_sync(config, site, secrets)]
            if config.boot is not None:
                services.append(serve_boot(config, site.store, site.bus, secrets))
            await _until_told(services)


def _say_so(config: Config) -> None:
    """One line for whoever started it by hand: what runs here, and how to look at it."""
    boot = f"; machines boot from {config.boot.http_url}" if config.boot is not None else ""
    parts = f"site {config.settings.site}, mode {config.settings.mode}, NATS at {config.nats.url}{boot}"
    sys.stderr.write(f"bringup is up: {parts}. Look with: bringup status. Ctrl-C ends it\n")


def worker_name() -> str:
    """Unique for each process of each host: it stands in leases and journals."""
    return f"{socket.gethostname().partition('.')[0]}-{os.getpid()}"


async def _worker(config: Config, site: JetStreamSite) -> None:
    await serve_worker(config, site, FileSecrets(config.secrets), worker_name())


async def _serve(config: Config, who: str, service: Service, verbose: bool, replicas: int | None = None) -> None:
    _logging(verbose)
    async with connected(config, FileSecrets(config.secrets), who, make_streams=replicas) as site:
        await _until_told([service(site)])


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
