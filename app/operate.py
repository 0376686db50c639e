"""The commands that run a service until it is told to stop: ``worker``, ``sync``, ``boot``, and ``up``: all of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import yaml

from app.config import Config
from frontends.web.people import Role, digest_of, new_token
from workflows.model.errors import BadInput

Replicas = Annotated[int, typer.Option("--replicas", help="copies of each stream when they are made", min=1, max=5)]
Write = Annotated[Path | None, typer.Option("--write", help="replace this file instead of printing")]
Name = Annotated[str, typer.Argument(help="the person's name, as it shall stand in journals")]
RoleOption = Annotated[Role, typer.Option("--role", help="what the person may do (docs/web.md)")]
Restored = Annotated[
    bool, typer.Option("--restored", help="the store was restored from a backup: each open run waits for a person")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="log every step")]


def add_services(cli: typer.Typer, config: Callable[[], Config]) -> None:
    """Add the commands. Each loads its services when it is called: ``status`` needs no web server and no Ansible."""

    @cli.command()
    def worker(verbose: Verbose = False) -> None:
        """Take wakes and drive nodes. Run as many as you like, on as many hosts."""
        from app import services

        asyncio.run(services.worker(config(), verbose))

    @cli.command()
    def sync(verbose: Verbose = False, replicas: Replicas = 1, restored: Restored = False) -> None:
        """Follow the inventory: NetBox (webhook, change log, resync) or a directory of YAML files. Writes outcomes back."""
        from app import services

        asyncio.run(services.sync(config(), verbose, replicas, restored))

    boots = typer.Typer()
    cli.add_typer(boots, name="boot")

    @boots.callback(invoke_without_command=True)
    def boot(context: typer.Context, verbose: Verbose = False) -> None:
        """Answer machines that boot the network: scripts, grants, images, phone-home."""
        if context.invoked_subcommand is None:
            from app import services

            asyncio.run(services.boot(config(), verbose))

    @boots.command()
    def dnsmasq(write: Write = None) -> None:
        """Print dnsmasq's configuration for this site (boot.dhcp), or write it to a file. Check it with dnsmasq --test."""
        from app.dhcp import dnsmasq_config
        from boot.dnsmasq import write_atomically

        text = dnsmasq_config(config().boot)
        if write is None:
            typer.echo(text, nl=False)
            return
        try:
            changed = write_atomically(write, text)
        except OSError as error:
            raise BadInput(f"{write} can't be written: {error.strerror}") from None
        typer.echo(f"{write} is written: restart dnsmasq" if changed else f"{write} says so already")

    pages = typer.Typer()
    cli.add_typer(pages, name="web")

    @pages.callback(invoke_without_command=True)
    def web(context: typer.Context, verbose: Verbose = False) -> None:
        """Serve the web page: the fleet as it stands, each run, and commands with confirmation."""
        if context.invoked_subcommand is None:
            from app import services

            asyncio.run(services.web(config(), verbose))

    @pages.command()
    def token(name: Name, role: RoleOption = Role.VIEWER) -> None:
        """Make a person's token: it is shown once; the line for the file of people holds its hash only."""
        made = new_token()
        typer.echo(f"token of {name}, shown this once: {made}", err=True)
        entry = {name: {"role": role.value, "token_sha256": digest_of(made)}}
        typer.echo(yaml.safe_dump({"people": entry}, sort_keys=False), nl=False)

    @cli.command()
    def up(verbose: Verbose = False, replicas: Replicas = 1, restored: Restored = False) -> None:
        """Everything in one process, with a NATS server of its own where none is configured."""
        from app import services

        asyncio.run(services.up(config(), verbose, replicas, restored))
