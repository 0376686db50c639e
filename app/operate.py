"""The commands that run a service until it is told to stop: ``worker``, ``sync``, ``boot``, and ``up``: all of them.

SIGTERM and Ctrl-C end a service in order: claims are released, sessions are ended, children are gone. A worker that is
killed instead loses nothing; its leases run out and others go on.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from app.boot import serve_boot
from app.config import Config
from app.connect import connected
from app.site_worker import serve_worker
from app.sync import serve_sync
from app.up import SELF, own_nats
from workflows.drivers.secrets import FileSecrets
from workflows.jetstream.site import JetStreamSite

Replicas = Annotated[int, typer.Option("--replicas", help="copies of each stream when they are made", min=1, max=5)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="log every step")]

type Service = Callable[[JetStreamSite], Awaitable[None]]


def add_services(cli: typer.Typer, config: Callable[[], Config]) -> None:
    """Add the commands."""

    @cli.command()
    def worker(verbose: Verbose = False) -> None:
        """Take wakes and drive nodes. Run as many as you like, on as many hosts."""
        _run(config(), "worker", lambda site: _worker(config(), site), verbose)

    @cli.command()
    def sync(verbose: Verbose = False, replicas: Replicas = 1) -> None:
        """Follow the inventory: NetBox (webhook, change log, resync) or a directory of YAML files. Writes outcomes back."""
        _run(
            config(), "sync", lambda site: serve_sync(config(), site, FileSecrets(config().secrets)), verbose, replicas
        )

    @cli.command()
    def boot(verbose: Verbose = False) -> None:
        """Answer machines that boot the network: scripts, grants, images, phone-home."""
        _run(
            config(),
            "boot",
            lambda site: serve_boot(config(), site.store, site.bus, FileSecrets(config().secrets)),
            verbose,
        )

    @cli.command()
    def up(verbose: Verbose = False, replicas: Replicas = 1) -> None:
        """Everything in one process, with a NATS server of its own where none is configured."""
        asyncio.run(_up(config(), verbose, replicas))


def worker_name() -> str:
    """Unique for each process of each host: it stands in leases and journals."""
    return f"{socket.gethostname().partition('.')[0]}-{os.getpid()}"


async def _worker(config: Config, site: JetStreamSite) -> None:
    await serve_worker(config, site, FileSecrets(config.secrets), worker_name())


def _run(config: Config, who: str, service: Service, verbose: bool, replicas: int | None = None) -> None:
    asyncio.run(_serve(config, who, service, verbose, replicas))


async def _serve(config: Config, who: str, service: Service, verbose: bool, replicas: int | None) -> None:
    _logging(verbose)
    async with connected(config, FileSecrets(config.secrets), who, make_streams=replicas) as site:
        await _until_told([service(site)])


async def _up(config: Config, verbose: bool, replicas: int) -> None:
    _logging(verbose)
    async with own_nats(config) as (config, login):
        secrets = FileSecrets(config.secrets)
        async with connected(config, secrets, SELF, make_streams=replicas, login=login) as site:
            services = [_worker(config, site), serve_sync(config, site, secrets)]
            if config.boot is not None:
                services.append(serve_boot(config, site.store, site.bus, secrets))
            await _until_told(services)


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
