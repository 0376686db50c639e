"""Server-sent events: what changed in the fleet, coalesced, and a run's log as it comes.

Theory of operation. A viewer names the revision that he has. Changes are gathered for a quarter of a second and each node is
sent once, as it is then, so a thousand changes cost a viewer four messages a second. A viewer of another life of this
process (it was restarted) is told to load everything anew. A person who is signed out meanwhile gets nothing more.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from frontends.live import LiveSite
from frontends.log_text import lines, run_of
from frontends.site import ConnectedSite
from frontends.web.rows import row
from workflows.model.campaign import MemberState
from workflows.model.errors import BringupError

GATHER_S = 0.25
_ALIVE_S = 15.0


async def fleet_events(
    request: web.Request, live: LiveSite, site: ConnectedSite, life: str, welcome: Callable[[], bool]
) -> web.StreamResponse:
    """Answer with the changes after ``?after=``, until the viewer leaves or is not welcome any more."""
    response = await _begin(request)
    after = request.query.get("after", "")
    if request.query.get("life") != life or not after.isdigit() or int(after) > live.revision:
        await _send(response, "stale", {})
        return response
    revision = int(after)
    with suppress(ConnectionResetError):
        while welcome():
            try:
                async with asyncio.timeout(_ALIVE_S):
                    await live.news(revision)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            await asyncio.sleep(GATHER_S)
            now, nodes, revision_now = site.clock.now(), list(live.changed(revision)), live.revision
            views = {n: live.view(n) for n in nodes}
            news = {
                "revision": revision_now,
                "rows": [row(v, now) for v in views.values() if v is not None],
                "gone": [n for n, v in views.items() if v is None],
                "campaigns": shown_campaigns(live),
            }
            await _send(response, "news", news)
            revision = revision_now
    return response


def shown_campaigns(live: LiveSite) -> list[dict[str, object]]:
    """The campaigns that are not over, as the page shows them."""
    return [
        {
            "id": c.id,
            "workflow": c.workflow,
            "select": c.select[:200],
            "state": c.state.value,
            "asked_by": c.asked_by,
            "reason": c.reason,
            "text": c.text,
            "nodes": len(c.members),
            "passed": c.count(MemberState.PASSED),
            "wave": c.wave + 1,
            "waves": c.waves,
        }
        for c in live.campaigns.values()
        if c.live
    ]


async def log_events(request: web.Request, site: ConnectedSite) -> web.StreamResponse:
    """Answer with a run's log so far, then as it comes, until the run has ended. Raises BadInput for no such run."""
    node, cause = request.match_info["node"], request.match_info["cause"]
    run = await run_of(site.store, node, None, cause, None)
    response = await _begin(request)
    with suppress(ConnectionResetError):
        try:
            async for line in lines(site, run, None, follow=True):
                await _send(response, "line", line.as_json())
            await _send(response, "end", {})
        except BringupError as error:
            await _send(response, "broken", {"error": str(error)})
    return response


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    return response


async def _send(response: web.StreamResponse, event: str, data: Any) -> None:
    await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())
