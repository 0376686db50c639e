"""The boot service: one object that a process starts, with a plain HTTP side for firmware and an HTTPS side for agents.

Theory of operation. It has no state of its own, so it may be killed at any moment and several may run: the index of
nodes is a copy of ``desired.>``, loaded before the first answer, followed after, and read again before a machine is called
unknown, for a watch may be behind (the process was paused, NATS had no leader); grants and ``served`` are read and
written in the store at each request. A machine that loses the service in mid-download asks for the same range again.
"""

import asyncio
import hashlib
import logging

from aiohttp import web

from boot import artifacts
from boot.agent_calls import AgentCalls
from boot.answers import MAX_BODY, refuse_plainly
from boot.identity import Identifiers, NodeIndex
from boot.scripts import Scripts
from boot.settings import BootSettings
from boot.templates import environment
from boot.token import Tokens
from workflows.engine.ports import Bus, Secrets, Store, Value
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.keys import NodeKey

_log = logging.getLogger(__name__)
READ_AGAIN_S = 5.0


class BootService:
    """Answers machines. ``ca`` is the PEM certificate that the HTTPS side's certificate was signed by."""

    def __init__(self, store: Store, bus: Bus, secrets: Secrets, settings: BootSettings, ca: bytes) -> None:
        self._store = store
        self._settings = settings
        self._ca = ca
        self._index = NodeIndex()
        self._newest: dict[NodeKey, int] = {}
        self._read_at, self._reading = -READ_AGAIN_S, asyncio.Lock()
        templates, tokens = environment(), Tokens(secrets)
        digest = hashlib.sha256(ca).hexdigest()
        self.scripts = Scripts(store, bus, settings, tokens, templates, self._index, digest, self.read_again)
        self._calls = AgentCalls(store, bus, settings, tokens, templates)

    async def load(self) -> None:
        """Read all nodes of the site. Before this every machine would be a stranger.

        Raises:
            Unreachable: the store gave no answer.
        """
        for value in await self._store.list(f"desired.{self._settings.site}.>"):
            self._see(value)

    async def read_again(self) -> None:
        """Read all nodes again, at most once in 5 s however many strangers ask: all wait for that. Raises Unreachable."""
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if now - self._read_at >= READ_AGAIN_S:
                await self.load()
                self._read_at = now

    async def follow(self) -> None:
        """Keep the index in step with the inventory, for ever; cancel it to stop."""
        async for value in self._store.watch(f"desired.{self._settings.site}.>"):
            self._see(value)

    def http(self) -> web.Application:
        """The side for firmware: scripts, artifacts, and the CA that the agent checks against its pinned hash."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[refuse_plainly])
        app.add_routes(
            [
                web.get("/boot.ipxe", self._first),
                web.get("/v1/script", self._script),
                web.get("/v1/ca.pem", self._authority),
                web.get("/artifacts/{name}", self._artifact),
            ]
        )
        return app

    def https(self) -> web.Application:
        """The side for the agent and the installed system; the artifacts too, for whom TLS is cheap."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[refuse_plainly])
        app.add_routes([*self._calls.routes(), web.get("/artifacts/{name}", self._artifact)])
        return app

    async def _first(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.scripts.first())

    async def _script(self, request: web.Request) -> web.Response:
        given = request.query
        who = Identifiers.parse(given.get("mac", ""), given.get("serial", ""), given.get("uuid", ""))
        return web.Response(text=await self.scripts.answer(who))

    async def _authority(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._ca, content_type="application/x-pem-file")

    async def _artifact(self, request: web.Request) -> web.FileResponse:
        return await artifacts.serve(self._settings.artifacts, request.match_info["name"])

    def _see(self, value: Value) -> None:
        node = value.key.removeprefix("desired.")
        if value.seq < self._newest.get(node, 0):
            return
        self._newest[node] = value.seq
        if value.data is None:
            self._index.remove(node)
            return
        try:
            self._index.put(Desired.decode(value.data))
        except BadInput as error:
            self._index.remove(node)
            _log.error("node not served node=%s: %s", node, error)
