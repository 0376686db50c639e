"""``burn-in calibrate``: floors that the site's own accepted nodes support, as its thresholds file takes them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
import yaml

from frontends.cli.output import print_json
from frontends.cli.verbs import AsJson
from frontends.read_model import fleet
from frontends.site import OpenSite
from workflows.model.errors import Refused
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport

type Floors = Callable[[Mapping[str, BurnInReport]], dict[str, Json]]
"""The limits that the reports of one GPU model's nodes support, each as the site's thresholds file takes it."""

Selector = Annotated[str | None, typer.Argument(help="which nodes; all where none is named")]


def add_calibrate(burn_in: typer.Typer, open_site: OpenSite, floors: Floors) -> None:
    """Add the command to the group ``burn-in``."""

    @burn_in.command()
    def calibrate(selector: Selector = None, as_json: AsJson = False) -> None:
        """Floors by what accepted nodes measured (5 nodes of a model at least). It changes nothing: you keep the file."""
        proposed, passed_over = asyncio.run(_calibrate(open_site, selector, floors))
        if as_json:
            print_json({"thresholds": proposed, "passed_over": passed_over})
            return
        for words in passed_over:
            typer.echo(words, err=True)
        typer.echo(yaml.safe_dump(proposed, sort_keys=False, allow_unicode=True), nl=False)


async def _calibrate(open_site: OpenSite, selector: str | None, floors: Floors) -> tuple[dict[str, Json], list[Json]]:
    models: dict[str, dict[str, BurnInReport]] = {}
    passed_over: list[Json] = []
    async with open_site() as site:
        for view in await fleet(site.store, site.settings.site, selector):
            model = view.desired.profile.sku.gpu_model if view.desired.profile else None
            if model is None or not view.status.report:
                passed_over.append(f"{view.desired.label}: {'no accepted burn-in' if model else 'no GPUs'}")
                continue
            try:
                report = BurnInReport.decode(await site.evidence.get(view.status.report))
            except Refused as error:
                passed_over.append(f"{view.desired.label}: {error}")
                continue
            models.setdefault(model, {})[view.desired.node] = report
    proposed: dict[str, Json] = {}
    for model, reports in models.items():
        found = floors(reports)
        if found:
            proposed[model] = found
        else:
            passed_over.append(f"{model}: {len(reports)} accepted nodes: at least 5 that measured the same are needed")
    return proposed, passed_over
