"""What people look at: status, show, plan."""

import asyncio
from typing import Annotated

import typer

from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import console, elapsed, fleet_table, print_json, safe, table
from frontends.cli.verbs import AsJson
from frontends.journal_text import journal_lines
from frontends.plan import PlanView, plan_node
from frontends.read_model import NodeView, fleet, one_node, overdue
from frontends.site import ConnectedSite, OpenSite
from workflows.engine.step import Steps
from workflows.engine.workflow import Workflow
from workflows.model.status import NodeState

MaybeSelector = Annotated[str | None, typer.Argument(help="which nodes; all where none is named")]
Check = Annotated[bool, typer.Option("--check", help="exit 5 where a node is failed, parked or overdue")]
Every = Annotated[float, typer.Option("--watch", help="look again every so many seconds", min=0)]


def add_views(cli: typer.Typer, open_site: OpenSite, steps: Steps, workflows: dict[str, Workflow]) -> None:
    """Add the commands that only look."""

    @cli.command()
    def status(selector: MaybeSelector = None, as_json: AsJson = False, check: Check = False, watch: Every = 0) -> None:
        """Each node in one line: what it does, why it waits, what comes next."""
        while True:
            well = asyncio.run(_status(open_site, selector, as_json))
            if not watch:
                raise typer.Exit(NOT_WELL if check and not well else OK)
            asyncio.run(asyncio.sleep(watch))

    @cli.command()
    def show(node: Annotated[str, typer.Argument(help="one node")], as_json: AsJson = False) -> None:
        """One node whole: the wish, the run's journal in plain words, timings."""
        asyncio.run(_show(open_site, node, as_json))

    @cli.command()
    def plan(selector: MaybeSelector = None, as_json: AsJson = False) -> None:
        """The steps that would run and why, which profile rule won, and what forbids it. Touches nothing."""
        asyncio.run(_plan(open_site, selector, as_json, steps, workflows))


async def _status(open_site: OpenSite, selector: str | None, as_json: bool) -> bool:
    async with open_site() as site:
        views, now = await fleet(site.store, site.settings.site, selector), site.clock.now()
    if as_json:
        print_json([v.as_json(now) for v in views])
    else:
        console().print(fleet_table(views, now))
    bad = (NodeState.FAILED, NodeState.PARKED)
    return not any(v.status.state in bad or overdue(v.status, now) for v in views)


async def _show(open_site: OpenSite, node: str, as_json: bool) -> None:
    async with open_site() as site:
        view, now = await one_node(site.store, site.settings.site, node), site.clock.now()
        lines = await _journal(site, view)
    if as_json:
        print_json(view.as_json(now) | {"journal": lines, "desired": view.desired.model_dump(mode="json")})
        return
    out = console()
    out.print(fleet_table([view], now))
    out.print(table("journal", ("time", "entry", "step", "why"), [[str(x) for x in line.values()] for line in lines]))
    rows = [[t.step, f"{t.seconds:.1f}s", str(t.attempts)] for t in view.status.timings]
    out.print(table("timings", ("step", "took", "tries"), rows))
    if view.status.state is NodeState.PARKED and view.status.since:
        out.print(safe(f"parked for {elapsed(now - view.status.since)}: {view.status.reason}"))


async def _journal(site: ConnectedSite, view: NodeView) -> list[dict[str, str]]:
    if view.status.cause is None:
        return []
    return await journal_lines(site.store, view.desired.node, view.status.cause)


async def _plan(
    open_site: OpenSite, selector: str | None, as_json: bool, steps: Steps, workflows: dict[str, Workflow]
) -> None:
    async with open_site() as site:
        views = await fleet(site.store, site.settings.site, selector)
        plans = [plan_node(v, site.settings, steps, workflows) for v in views]
    if as_json:
        print_json([p.as_json() for p in plans])
        return
    out = console()
    out.print(table("", ("node", "would", "why", "profile", "chosen by"), [_plan_row(p) for p in plans]))
    for plan in plans:
        if plan.steps and len(plans) == 1:
            out.print(table("steps", ("step", "destroys", "asks", "at most"), [list(s) for s in plan.steps]))


def _plan_row(plan: PlanView) -> list[str]:
    return [plan.label, plan.workflow or "nothing", plan.reason, plan.profile, plan.won_by]
