"""Watches a demo's nodes, in front of your eyes where you want, until each has come to an end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from rich.live import Live

from frontends.cli.output import console, fleet_table
from frontends.read_model import NodeView, fleet
from frontends.site import ConnectedSite
from workflows.model.status import NodeState

_LOOK = 0.5
_ENDS = (NodeState.IN_SERVICE, NodeState.FAILED, NodeState.PARKED)


async def until_ended(
    site: ConnectedSite, check: Callable[[], None], machines: int, patience: timedelta, show: bool
) -> list[NodeView]:
    """The nodes as they stand when all have ended, or when the patience is over. ``check`` raises where a service died."""
    views: list[NodeView] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience.total_seconds()):
            async for views in _looks(site, show):
                check()
                if len(views) == machines and all(v.status.state in _ENDS for v in views):
                    return views
    return views


async def _looks(site: ConnectedSite, show: bool) -> AsyncIterator[list[NodeView]]:
    with Live(console=console(), refresh_per_second=4) if show else contextlib.nullcontext() as live:
        while True:
            views = await fleet(site.store, site.settings.site)
            if live is not None:
                live.update(fleet_table(views, site.clock.now()))
            yield views
            await asyncio.sleep(_LOOK)
