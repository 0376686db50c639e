"""The commands for a NATS server that is not ``up``'s own: ``nats accounts`` and ``nats streams``."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.config import Config
from workflows.model.errors import BadInput

Person = Annotated[list[str] | None, typer.Option("--person", help="one who may send commands; as often as needed")]
Replicas = Annotated[int, typer.Option("--replicas", help="copies of each stream", min=1, max=5)]


def add_nats(cli: typer.Typer, config: Callable[[], Config]) -> None:
    """Add the commands."""
    nats = typer.Typer(help="Logins, permissions and streams of a site's own NATS server.", no_args_is_help=True)
    cli.add_typer(nats, name="nats")

    @nats.command("accounts")
    def accounts(person: Person = None) -> None:
        """Make a key for each login that has none, and print the server's accounts: who may do what. Public keys only.

        The keys lie as secrets below nats.credentials; hand each person theirs. As often as you like: a key stays.
        """
        typer.echo(json.dumps({"accounts": _accounts(config(), person or [])}, indent=1))

    @nats.command("streams")
    def streams(replicas: Replicas = 1) -> None:
        """Make the site's streams, or mend their settings, by the login admin; once, and after an update of bringup."""
        asyncio.run(_streams(config(), replicas))
        typer.echo(f"the streams are there, {replicas} of each")


def _accounts(config: Config, persons: list[str]) -> dict[str, object]:
    from app.nats_logins import SERVICES, public_keys
    from workflows.jetstream.permissions import Role, User, accounts

    roles = SERVICES | dict.fromkeys(persons, Role.PERSON)
    if any(person in SERVICES for person in persons):
        raise BadInput(f"{', '.join(SERVICES)} are logins of services: no person can be called so")
    keys = public_keys(_credentials(config), roles)
    return dict(accounts([User(who, role, keys[who]) for who, role in roles.items()]))


def _credentials(config: Config) -> Path:
    if config.nats.credentials is None:
        raise BadInput("the configuration names no nats.credentials: add the reference below which logins are kept")
    return config.secrets / config.nats.credentials


async def _streams(config: Config, replicas: int) -> None:
    from app.connect import connected
    from app.nats_logins import ADMIN
    from workflows.drivers.secrets import FileSecrets

    async with connected(config, FileSecrets(config.secrets), ADMIN, make_streams=replicas):
        pass
