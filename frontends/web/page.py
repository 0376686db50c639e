"""The page as one aiohttp application: static files, sign-in, and the HTTP API over the followed site."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from frontends.live import LiveSite
from frontends.plan import Known
from frontends.site import ConnectedSite
from frontends.web.actions import Actions, Asked
from frontends.web.detail import node_detail, run_detail
from frontends.web.guard import PERSON, add_headers, guard, refuse
from frontends.web.openapi import Route, document
from frontends.web.people import People
from frontends.web.rows import row
from frontends.web.session import COOKIE, Sessions
from frontends.web.stream import fleet_events, log_events, shown_campaigns
from workflows.model.errors import BadInput
from workflows.model.record import Record

STATIC = Path(__file__).parent / "static"
MAX_BODY = 128 * 1024


class SignIn(Record):
    """The body of a sign-in."""

    token: str


@dataclass(frozen=True, slots=True)
class Page:
    """``url`` is how people reach it: with https, the session's cookie is sent over HTTPS only."""

    site: ConnectedSite
    live: LiveSite
    people: People
    known: Known
    url: str
    _life: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    ROUTES: ClassVar[tuple[Route, ...]] = (
        Route("post", "/api/login", "login", "Sign in with a token; opens a session", SignIn),
        Route("post", "/api/logout", "logout", "End the session"),
        Route("get", "/api/me", "me", "Who is signed in, what he may do, and what site this is"),
        Route("get", "/api/fleet", "fleet", "All nodes as they stand, and the revision that this is"),
        Route(
            "get",
            "/api/events",
            "events",
            "What changed after a revision (server-sent events)",
            query=("after", "life"),
        ),
        Route("get", "/api/nodes/{node}", "node", "One node whole"),
        Route("get", "/api/nodes/{node}/runs/{cause}", "run", "One run: journal, steps, burn-in report"),
        Route("get", "/api/nodes/{node}/runs/{cause}/log", "log", "A run's log as it comes (server-sent events)"),
        Route("post", "/api/preview", "preview", "What a command would do; sends nothing", Asked),
        Route("post", "/api/commands", "command", "Send a command in the signed-in person's name", Asked),
        Route("get", "/api/openapi.json", "openapi", "This description"),
    )

    def application(self) -> web.Application:
        """What a server runs."""
        sessions = Sessions(self.people, self.site.clock, self.url.startswith("https://"))
        handlers = _Handlers(self, sessions, Actions(self.site, self.live, self.known))
        app = web.Application(client_max_size=MAX_BODY, middlewares=[guard(sessions)])
        app.on_response_prepare.append(add_headers)
        for route in self.ROUTES:
            app.router.add_route(route.method, route.path, getattr(handlers, route.handler))
        app.router.add_get("/", handlers.index)
        app.router.add_static("/static", STATIC)
        return app


@dataclass(frozen=True, slots=True)
class _Handlers:
    page: Page
    sessions: Sessions
    actions: Actions

    async def index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def login(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return refuse(415, "a sign-in is JSON")
        name = self.page.people.of_token(SignIn.decode(await request.read()).token)
        if name is None:
            return refuse(401, "nobody has this token")
        response = web.json_response({"name": name})
        self.sessions.open(response, name)
        return response

    async def logout(self, _request: web.Request) -> web.StreamResponse:
        response = web.json_response({})
        response.del_cookie(COOKIE, path="/")
        return response

    async def me(self, request: web.Request) -> web.StreamResponse:
        signed, settings = request[PERSON], self.page.site.settings
        return web.json_response(
            {
                "name": signed.name,
                "role": signed.person.role.value,
                "verbs": sorted(signed.person.verbs_allowed()),
                "csrf": signed.csrf,
                "site": settings.site,
                "mode": settings.mode.value,
            }
        )

    async def fleet(self, _request: web.Request) -> web.StreamResponse:
        live, now = self.page.live, self.page.site.clock.now()
        response = web.json_response(
            {
                "life": self.page._life,
                "revision": live.revision,
                "now": now.isoformat(timespec="milliseconds"),
                "rows": [row(v, now) for v in live.views()],
                "campaigns": shown_campaigns(live),
            }
        )
        response.enable_compression()
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        welcome = lambda: self.sessions.who(request) is not None  # noqa: E731
        return await fleet_events(request, self.page.live, self.page.site, self.page._life, welcome)

    async def node(self, request: web.Request) -> web.StreamResponse:
        found = await node_detail(self.page.site, self.page.live, request.match_info["node"])
        return web.json_response(found)

    async def run(self, request: web.Request) -> web.StreamResponse:
        node, cause = self._node(request), request.match_info["cause"]
        if not cause.isalnum():
            raise BadInput(f"{cause[:50]!r} is no cause of a run")
        return web.json_response(await run_detail(self.page.site, self.page.live, node, cause))

    async def log(self, request: web.Request) -> web.StreamResponse:
        self._node(request)
        return await log_events(request, self.page.site)

    async def preview(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.actions.preview(request[PERSON], Asked.decode(await request.read())))

    async def command(self, request: web.Request) -> web.StreamResponse:
        outcome = await self.actions.command(request[PERSON], Asked.decode(await request.read()))
        return web.json_response(outcome.model_dump(mode="json"))

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(document(Page.ROUTES))

    def _node(self, request: web.Request) -> str:
        """The node that the path names. Raises BadInput where the site has none: nothing else reaches a key."""
        node = request.match_info["node"]
        if self.page.live.view(node) is None:
            raise BadInput(f"the inventory has no node {node[:80]!r}")
        return node
