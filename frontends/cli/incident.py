"""``incident``: one run as a record in Markdown, on standard output."""

import asyncio
import re
from typing import Annotated

import typer

from frontends.incident import incident
from frontends.read_model import one_node
from frontends.run_story import Story, story
from frontends.site import ConnectedSite, OpenSite
from workflows.model.errors import BadInput, Refused
from workflows.model.verdict import BurnInReport

_RUN = re.compile(r"([a-z0-9-]+\.[a-z0-9-]+)\.([gc][1-9][0-9]*)")


def add_incident(cli: typer.Typer, open_site: OpenSite) -> None:
    """Add the command."""

    @cli.command("incident")
    def write(
        run: Annotated[str, typer.Argument(help="a run as lab.nb-17.c123, or a node: its newest run")],
    ) -> None:
        """One run as a record in Markdown: what was asked, what happened, on what evidence, and who decided."""
        typer.echo(asyncio.run(_write(open_site, run)), nl=False)


async def _write(open_site: OpenSite, named: str) -> str:
    async with open_site() as site:
        told = await _meant(site, named)
        return incident(told, await _report(site, told), site.clock.now())


async def _meant(site: ConnectedSite, named: str) -> Story:
    if (match := _RUN.fullmatch(named)) is not None:
        return await story(site.store, match[1], match[2])
    view = await one_node(site.store, site.settings.site, named)
    if view.status.cause is None:
        raise BadInput(f"{view.desired.label} has had no run yet: there is nothing to record")
    return await story(site.store, view.desired.node, view.status.cause)


async def _report(site: ConnectedSite, told: Story) -> BurnInReport | None:
    if not told.report():
        return None
    try:
        return BurnInReport.decode(await site.evidence.get(told.report()))
    except Refused:
        return None
