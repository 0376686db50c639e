"""The command ``bringup``: reads the configuration, wires what the command needs, and turns errors into exit codes."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.bmc import look_at, open_bmc, pin
from app.burn_in import floors, judge, kinds, read_output
from app.config import Config, load_config
from app.demo_command import add_demos
from app.known import KNOWN
from app.lab_command import add_lab
from app.nats_command import add_nats
from app.operate import add_services
from app.secrets import make_secrets
from app.set_up import add_set_up
from app.site.command import add_site
from frontends.cli.bmc import add_bmc
from frontends.cli.bmc_trust import Trust
from frontends.cli.burn_in import add_burn_in
from frontends.cli.calibrate import add_calibrate
from frontends.cli.campaign import add_campaign
from frontends.cli.evidence import add_evidence
from frontends.cli.exits import exit_code
from frontends.cli.explain import add_explain
from frontends.cli.incident import add_incident
from frontends.cli.log import add_log
from frontends.cli.output import safe
from frontends.cli.verbs import add_verbs
from frontends.cli.views import add_views
from frontends.cli.watch import add_watch
from frontends.evidence import Pages
from frontends.site import ConnectedSite
from workflows.model.errors import BringupError


class _Loaded:
    """The configuration of this one command, read when it is first needed: ``--help`` needs none."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._config: Config | None = None

    def config(self) -> Config:
        """Read it once."""
        if self._config is None:
            self._config = load_config(self.path)
        return self._config


def _pages() -> Pages:
    """How a burn-in's report becomes files."""
    from app.reports import pages

    return pages()


def build() -> typer.Typer:
    """The command line."""
    cli = typer.Typer(
        name="bringup",
        help="From racked in NetBox to proven and in service.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    loaded = _Loaded()

    @cli.callback()
    def common(
        config: Annotated[Path | None, typer.Option("--config", "-c", help="the site's configuration file")] = None,
    ) -> None:
        loaded.path = config

    @asynccontextmanager
    async def open_site() -> AsyncIterator[ConnectedSite]:
        from app.connect import as_seen_by, connected

        config = loaded.config()
        async with connected(config, make_secrets(config), config.who) as site:
            yield as_seen_by(site, config)

    add_views(cli, open_site, KNOWN)
    add_log(cli, open_site)
    add_evidence(cli, open_site, _pages)
    add_incident(cli, open_site)
    add_watch(cli, open_site)
    add_explain(cli, KNOWN)
    add_verbs(cli, open_site)
    add_campaign(cli, open_site)
    add_services(cli, loaded.config)
    add_set_up(cli, loaded.config)
    add_bmc(cli, open_bmc, Trust(look_at, pin))
    burn_in = add_burn_in(cli, kinds, read_output, judge)
    add_calibrate(burn_in, open_site, floors)
    add_site(cli)
    add_nats(cli, loaded.config)
    add_demos(cli)
    add_lab(cli)
    return cli


def _worth_saying(record: logging.LogRecord) -> bool:
    """asyncio warns at the end of each TLS connection of nats-py, whose stream protocol answers for plain ones too."""
    return "eof_received() has no effect" not in record.getMessage()


def main() -> None:
    """Run one command. Every error of ours is one sentence on standard error, and an exit code (``frontends.cli.exits``)."""
    logging.getLogger("asyncio").addFilter(_worth_saying)
    try:
        build()()
    except BringupError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(safe(f"bringup: {error}"))
        sys.exit(exit_code(error))
    except BaseExceptionGroup as group:
        ours = group.subgroup(BringupError)
        if ours is None:
            raise
        first: BaseException = ours
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        assert isinstance(first, BringupError)
        Console(stderr=True, highlight=False, soft_wrap=True).print(safe(f"bringup: {first}"))
        sys.exit(exit_code(first))
