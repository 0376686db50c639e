"""The commands that run a service until it is told to stop: ``worker``, ``sync``, ``boot``, and ``up``: all of them."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from app.config import Config

Replicas = Annotated[int, typer.Option("--replicas", help="copies of each stream when they are made", min=1, max=5)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="log every step")]


def add_services(cli: typer.Typer, config: Callable[[], Config]) -> None:
    """Add the commands. Each loads its services when it is called: ``status`` needs no web server and no Ansible."""

    @cli.command()
    def worker(verbose: Verbose = False) -> None:
        """Take wakes and drive nodes. Run as many as you like, on as many hosts."""
        from app import services

        asyncio.run(services.worker(config(), verbose))

    @cli.command()
    def sync(verbose: Verbose = False, replicas: Replicas = 1) -> None:
        """Follow the inventory: NetBox (webhook, change log, resync) or a directory of YAML files. Writes outcomes back."""
        from app import services

        asyncio.run(services.sync(config(), verbose, replicas))

    @cli.command()
    def boot(verbose: Verbose = False) -> None:
        """Answer machines that boot the network: scripts, grants, images, phone-home."""
        from app import services

        asyncio.run(services.boot(config(), verbose))

    @cli.command()
    def up(verbose: Verbose = False, replicas: Replicas = 1) -> None:
        """Everything in one process, with a NATS server of its own where none is configured."""
        from app import services

        asyncio.run(services.up(config(), verbose, replicas))
