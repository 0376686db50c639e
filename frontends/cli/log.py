"""``log``: what a run's tools said, as it comes."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from frontends.cli.output import console, safe
from frontends.log_text import LogLine, lines, run_of
from frontends.read_model import one_node
from frontends.site import OpenSite

Node = Annotated[str, typer.Argument(help="one node")]
RunOption = Annotated[
    str | None, typer.Option("--run", help="which run, as g7 or c123; the newest where none is named")
]
Step = Annotated[str | None, typer.Option("--step", help="only this step's lines")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="go on with what comes, until the run ends")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object a line")]


def add_log(cli: typer.Typer, open_site: OpenSite) -> None:
    """Add the command."""

    @cli.command()
    def log(
        node: Node, run: RunOption = None, step: Step = None, follow: Follow = False, as_json: AsJson = False
    ) -> None:
        """What a run's tools said (Ansible, probes, steps), with time and step. The journal is in show."""
        asyncio.run(_log(open_site, node, run, step, follow, as_json))


async def _log(
    open_site: OpenSite, name: str, wanted: str | None, step: str | None, follow: bool, as_json: bool
) -> None:
    out, number = console(), 0
    async with open_site() as site:
        view = await one_node(site.store, site.settings.site, name)
        run = await run_of(site.store, view.desired.node, view.status.cause, wanted, step)
        async for line in lines(site, run, step, follow):
            number += 1
            if as_json:
                typer.echo(json.dumps(line.as_json()))
            else:
                _print(out, line)
    if not number and not as_json:
        out.print(safe(f"run {run.id} left no log lines: bringup show {view.desired.label} has its journal"))


def _print(out: Console, line: LogLine) -> None:
    """The first line with time and step, further ones below its text."""
    head = f"{line.time:%H:%M:%S} {line.step:<10} "
    for number, text in enumerate(line.text.splitlines()):
        out.print(safe(f"{head if number == 0 else ' ' * len(head)}{text}"), soft_wrap=True)
