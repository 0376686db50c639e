"""What people look at: status, show, parts, strangers, plan."""

import asyncio
import contextlib
import sys
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from frontends.cli.bmc_tables import report_tables
from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import (
    console,
    fleet_table,
    print_json,
    safe,
    strangers_table,
    stuck_table,
    table,
    wish_table,
)
from frontends.cli.verbs import AsJson
from frontends.plan import Known, PlanView, plan_node
from frontends.read_model import NodeView, fleet, one_node, overdue, strangers
from frontends.run_story import story
from frontends.site import ConnectedSite, OpenSite
from frontends.stuck import stuck
from workflows.engine.look import look
from workflows.model.errors import BadInput, Refused
from workflows.model.hardware import HardwareReport
from workflows.model.posts import after_install, posts
from workflows.model.status import NodeState

MaybeSelector = Annotated[str | None, typer.Argument(help="which nodes; all where none is named")]
Check = Annotated[bool, typer.Option("--check", help="exit 5 where a node is failed, parked or overdue")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="look again and again, until Ctrl-C")]
Every = Annotated[float, typer.Option("--every", help="seconds between two looks of --watch", min=0.1)]


def add_views(cli: typer.Typer, open_site: OpenSite, known: Known) -> None:
    """Add the commands that only look."""

    @cli.command()
    def status(
        selector: MaybeSelector = None,
        as_json: AsJson = False,
        check: Check = False,
        watch: Watch = False,
        every: Every = 2,
    ) -> None:
        """Each node in one line: what it does, for how long, why it waits, what comes next."""
        if watch:
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(_watch(open_site, selector, as_json, every))
            return
        well = asyncio.run(_status(open_site, selector, as_json))
        raise typer.Exit(NOT_WELL if check and not well else OK)

    @cli.command()
    def show(node: Annotated[str, typer.Argument(help="one node")], as_json: AsJson = False) -> None:
        """One node whole: the wish, the run's journal in plain words, timings."""
        asyncio.run(_show(open_site, node, as_json))

    @cli.command()
    def parts(
        node: Annotated[str, typer.Argument(help="one node")],
        evidence: Annotated[str | None, typer.Option("--evidence", help="SHA-256 of another inventory of it")] = None,
        as_json: AsJson = False,
    ) -> None:
        """What a node is made of, as its BMC showed it to the newest run that looked: parts, places, serials, links."""
        report = asyncio.run(_inventory(open_site, node, evidence))
        if as_json:
            print_json(report.model_dump(mode="json"))
            return
        for each in report_tables(report):
            console().print(each, end="\n\n")

    @cli.command("stuck")
    def what_is_stuck(selector: MaybeSelector = None, as_json: AsJson = False) -> None:
        """What waits past its deadline, for the world or a person: why, since when, what to do. Exit 5 if anything does."""
        found = asyncio.run(_stuck(open_site, selector, as_json))
        raise typer.Exit(NOT_WELL if found else OK)

    @cli.command("kept")
    def what_was_kept(sha256: Annotated[str, typer.Argument(help="as a failure or a report names it")]) -> None:
        """What was kept under a SHA-256, as it is: raw outputs, inventories, what is known of a machine that didn't come."""
        sys.stdout.buffer.write(asyncio.run(_kept(open_site, sha256)))

    @cli.command("strangers")
    def who_is_nobody(as_json: AsJson = False) -> None:
        """Machines that asked to boot in the last day and that no node of the inventory fits. They boot their disk."""
        asyncio.run(_strangers(open_site, as_json))

    @cli.command()
    def plan(selector: MaybeSelector = None, as_json: AsJson = False) -> None:
        """The steps that would run and why, which profile rule won, and what forbids it. Touches nothing."""
        asyncio.run(_plan(open_site, selector, as_json, known))


async def _status(open_site: OpenSite, selector: str | None, as_json: bool) -> bool:
    async with open_site() as site:
        views, now = await fleet(site.store, site.settings.site, selector), site.clock.now()
        seen = await strangers(site.store, site.settings.site, now)
    if as_json:
        print_json([v.as_json(now) for v in views])
    else:
        out = console()
        out.print(fleet_table(views, now))
        if seen and selector is None:
            out.print(f"\nmachines that no node fits asked to boot: {len(seen)}; bringup strangers lists them")
    bad = (NodeState.FAILED, NodeState.PARKED)
    return not any(v.status.state in bad or overdue(v.status, now) for v in views)


async def _inventory(open_site: OpenSite, node: str, sha256: str | None) -> HardwareReport:
    """Raises BadInput where no run has kept one, Refused where it isn't kept any more."""
    async with open_site() as site:
        view = await one_node(site.store, site.settings.site, node)
        wanted = sha256 or view.status.inventory
        if not wanted:
            raise BadInput(f"no run has kept an inventory of {view.desired.label} yet: adopt or provision it")
        return HardwareReport.decode(await site.evidence.get(wanted))


async def _stuck(open_site: OpenSite, selector: str | None, as_json: bool) -> bool:
    async with open_site() as site:
        views, now = await fleet(site.store, site.settings.site, selector), site.clock.now()
        found = stuck(views, now, site.settings.answer_life)
    if as_json:
        print_json([each.as_json(now) for each in found])
    elif found:
        console().print(stuck_table(found, now))
    else:
        console().print("nothing waits past its deadline")
    return bool(found)


async def _kept(open_site: OpenSite, sha256: str) -> bytes:
    """Raises Refused where it isn't kept."""
    async with open_site() as site:
        return await site.evidence.get(sha256)


async def _strangers(open_site: OpenSite, as_json: bool) -> None:
    async with open_site() as site:
        now = site.clock.now()
        seen = await strangers(site.store, site.settings.site, now)
    if as_json:
        print_json([s.model_dump(mode="json") for s in seen])
    elif seen:
        console().print(strangers_table(seen, now))
    else:
        console().print("no machine that no node fits asked to boot in the last day")


async def _watch(open_site: OpenSite, selector: str | None, as_json: bool, every: float) -> None:
    """Redraw in place in a terminal, append elsewhere, for ever."""
    out = console()
    redraw = out.is_terminal and not as_json
    with Live(console=out, auto_refresh=False) if redraw else contextlib.nullcontext() as live:
        async with open_site() as site:
            while True:
                views, now = await fleet(site.store, site.settings.site, selector), site.clock.now()
                if live is not None:
                    live.update(fleet_table(views, now), refresh=True)
                elif as_json:
                    print_json([v.as_json(now) for v in views])
                else:
                    out.print(fleet_table(views, now))
                await asyncio.sleep(every)


async def _show(open_site: OpenSite, node: str, as_json: bool) -> None:
    async with open_site() as site:
        view, now = await one_node(site.store, site.settings.site, node), site.clock.now()
        lines = await _journal(site, view)
        state = (await look(site.store, view.desired.node)).state
    booted, after = posts(state), after_install(state)
    if as_json:
        more = {
            "journal": lines,
            "posts": booted,
            "after_install": after,
            "desired": view.desired.model_dump(mode="json"),
        }
        print_json(view.as_json(now) | more)
        return
    out = console()
    out.print(fleet_table([view], now))
    out.print(wish_table(view))
    if lines:
        out.print(table("journal", ("time", "entry", "step", "why"), [[*line.values()] for line in lines]))
    if view.status.timings:
        rows = [[t.step, f"{t.seconds:.1f}s", str(t.attempts)] for t in view.status.timings]
        out.print(table("timings", ("step", "took", "tries"), rows))
    if booted:
        out.print(safe(f"POSTs {len(booted)}: {', '.join(booted)}"))
    if after:
        out.print(safe(f"after the install: {after}"))


async def _journal(site: ConnectedSite, view: NodeView) -> list[dict[str, str]]:
    if view.status.cause is None:
        return []
    try:
        return (await story(site.store, view.desired.node, view.status.cause)).lines()
    except BadInput:  # a store that lost the run still has its status
        return []


async def _plan(open_site: OpenSite, selector: str | None, as_json: bool, known: Known) -> None:
    async with open_site() as site:
        views = await fleet(site.store, site.settings.site, selector)
        plans = [plan_node(v, site.settings, known, await _seen(site, v)) for v in views]
    if as_json:
        print_json([p.as_json() for p in plans])
        return
    out = console()
    out.print(table("", ("node", "would", "why", "profile", "chosen by"), [_plan_row(p) for p in plans]))
    if len(plans) == 1 and plans[0].steps:
        out.print(table("steps", ("step", "destroys", "asks", "at most"), [list(s) for s in plans[0].steps]))
        if plans[0].boots:
            out.print(f"network boot by {', then '.join(plans[0].boots)}, as far as its BMC offers that")


async def _seen(site: ConnectedSite, view: NodeView) -> HardwareReport | None:
    """The machine as the newest run that looked saw it, where its sku has a baseline to compare it with."""
    profile = view.desired.profile
    if profile is None or not profile.sku.has_baseline or not view.status.inventory:
        return None
    try:
        return HardwareReport.decode(await site.evidence.get(view.status.inventory))
    except Refused:
        return None  # not kept any more: nothing is known of it


def _plan_row(plan: PlanView) -> list[str | Text]:
    """Everything that is wrong stands in the row: whoever mends one thing sees the next at once."""
    why = [plan.reason, *(p for p in plan.problems if p != plan.reason), *plan.warnings, *plan.drift]
    return [plan.label, plan.workflow or "nothing", Text("\n").join(map(safe, why)), plan.profile, plan.won_by]
