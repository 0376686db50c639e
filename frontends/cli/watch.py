"""``watch``: the site on the whole screen, followed live: who is needed first, then what is at work. Ctrl-C ends it.

It follows the site as the web page does and draws at most four times a second, whatever the site's size; what doesn't fit
the screen is counted.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from frontends.cli.output import COLOUR, ORDER, SIGN, console, elapsed, left_words, safe
from frontends.live import LiveSite
from frontends.read_model import Awaits, NodeView, awaits, overdue
from frontends.site import OpenSite
from workflows.engine.selector import select
from workflows.model.errors import BadInput
from workflows.model.status import NodeState

_DRAW_S = 0.25
_PERSONS = (Awaits.DECISION, Awaits.APPROVAL, Awaits.UNHOLD, Awaits.RECORD)
_WORKS = (NodeState.RUNNING, NodeState.WAITING)


def add_watch(cli: typer.Typer, open_site: OpenSite) -> None:
    """Add the command."""

    @cli.command()
    def watch(
        selector: Annotated[str | None, typer.Argument(help="which nodes; all where none is named")] = None,
    ) -> None:
        """The site on the whole screen, live: who is needed first, then what is at work and how long it still takes."""
        if not console().is_terminal:
            raise BadInput("watch draws on a terminal; elsewhere use bringup status --watch, or --json for programs")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_watch(open_site, selector))


async def _watch(open_site: OpenSite, selector: str | None) -> None:
    async with open_site() as site:
        live = LiveSite(site.store, site.settings.site)
        following = asyncio.create_task(live.follow())
        out = console()
        try:
            with Live(console=out, screen=True, auto_refresh=False) as screen:
                while not following.done():
                    await asyncio.sleep(_DRAW_S)
                    screen.update(_drawn(live, selector, site.clock.now(), out.height), refresh=True)
            following.result()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _drawn(live: LiveSite, selector: str | None, now: datetime, height: int) -> RenderableType:
    views = live.views()
    if selector is not None and views:
        chosen = {d.node for d in select(selector, live.desired())}
        views = [v for v in views if v.desired.node in chosen]
    return screen(views, now, height)


def screen(views: Sequence[NodeView], now: datetime, height: int) -> RenderableType:
    """One screen of so many lines: counts, who is needed, what is at work."""
    needed = sorted(filter(lambda v: _needed(v, now), views), key=lambda v: (_urgency(v, now), v.status.since or now))
    working = [v for v in views if v.status.state in _WORKS and not overdue(v.status, now)]
    working.sort(key=lambda v: (v.progress(now).left is None, v.progress(now).left, v.desired.label))
    room = max(height - 6, 2)
    first = min(len(needed), max(room // 2, room - len(working)))
    then = min(len(working), room - first)
    parts: list[RenderableType] = [_counts(views), Text()]
    if needed:
        parts += [Text(f"Needs a person: {len(needed)}{_rest(needed, first)}", "bold"), _people(needed[:first], now)]
    else:
        parts.append(Text("Nobody is needed", "dim"))
    if working:
        parts += [Text(f"At work: {len(working)}{_rest(working, then)}", "bold"), _work(working[:then], now)]
    return Group(*parts)


def _needed(view: NodeView, now: datetime) -> bool:
    return awaits(view) in _PERSONS or view.status.state is NodeState.FAILED or overdue(view.status, now)


def _urgency(view: NodeView, now: datetime) -> int:
    if view.status.state is NodeState.FAILED:
        return 0
    why = awaits(view)
    return 1 if overdue(view.status, now) else 2 + _PERSONS.index(why) if why in _PERSONS else 9


def _rest(all_: Sequence[NodeView], shown: int) -> str:
    return f" (the first {shown})" if shown < len(all_) else ""


def _counts(views: Sequence[NodeView]) -> Text:
    number = Counter(v.status.state for v in views)
    line = Text()
    for state in ORDER:
        if number[state]:
            line.append(f"{SIGN[state]} {number[state]} {state.value}   ", COLOUR[state])
    return line if views else Text("The site has no nodes yet", "dim")


def _grid(*columns: tuple[str, int | None]) -> Table:
    grid = Table(box=None, pad_edge=False, show_header=False, expand=True)
    for name, width in columns:
        grid.add_column(name, width=width, ratio=None if width else 1, no_wrap=True, overflow="ellipsis")
    return grid


def _people(views: Sequence[NodeView], now: datetime) -> Table:
    grid = _grid(("", 1), ("node", 16), ("rack", 6), ("since", 7), ("why", None))
    for view in views:
        status = view.status
        late = overdue(status, now)
        sign, colour = (
            ("!", "red" if late else "yellow") if view.blocked or late else (SIGN[status.state], COLOUR[status.state])
        )
        since = elapsed(now - status.since) if status.since is not None else ""
        why = safe(view.why)
        if view.next_action:
            why.append_text(Text(" → ", "dim")).append_text(safe(view.next_action))
        grid.add_row(Text(sign, colour), safe(view.desired.label), safe(view.desired.rack or ""), since, why)
    return grid


def _work(views: Sequence[NodeView], now: datetime) -> Table:
    left = [left_words(v.progress(now)) for v in views]
    widest = max(map(len, left), default=0)
    grid = _grid(("", 1), ("node", 16), ("rack", 6), ("bar", 10), ("step", 20), ("left", max(widest, 1)), ("why", None))
    for view, words in zip(views, left, strict=True):
        status = view.status
        bar = ProgressBar(total=max(status.step_count, 1), completed=status.step_index, width=10)
        step = f"{status.step} {status.step_index + 1}/{status.step_count}" if status.step_count else status.step
        label, rack = safe(view.desired.label), safe(view.desired.rack or "")
        grid.add_row(Text(SIGN[status.state], COLOUR[status.state]), label, rack, bar, step, words, safe(view.why))
    return grid
