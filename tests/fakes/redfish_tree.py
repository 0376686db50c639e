"""A BMC that is only a tree of Redfish bodies: recorded from a real machine, or made up by a vendor's documentation.

It answers reads from the tree, opens sessions, and writes down what else it is asked. ``expand`` makes it answer
``$expand`` as the standard says; the recorded trees' own bodies say whether it may be asked for.
"""

import json
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from workflows.drivers.address import BmcAddress
from workflows.drivers.bmcs import BmcDrivers
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import parse_credential
from workflows.drivers.redfish import RedfishBmc
from workflows.drivers.redfish.answers import failure
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.layout import Memory
from workflows.drivers.redfish.wire import Answer, Wire
from workflows.model.desired import BmcTarget
from workflows.model.profile import BmcProtocol
from workflows.model.record import Json

type Bodies = dict[str, dict[str, Any]]

CREDENTIAL = {"username": "u", "password": "p", "insecure": "true"}


class _Secrets:
    def get(self, reference: str) -> dict[str, str]:
        return CREDENTIAL


def recorded(archive: Path) -> Bodies:
    """The bodies of a recorded tree, by path."""
    with tarfile.open(archive) as opened:
        files = [m for m in opened.getmembers() if m.isfile() and m.name.endswith("/index.json")]
        return {
            "/" + m.name.removeprefix("./").removesuffix("/index.json"): json.loads(content.read())
            for m in files
            if (content := opened.extractfile(m)) is not None
        }


@dataclass(slots=True)
class ServedTree:
    """A tree that is being served: ``writes`` lists verb, path, body and If-Match; ``reads`` the paths that were asked."""

    url: str
    bodies: Bodies
    expand: bool
    writes: list[tuple[str, str, dict[str, Any], str | None]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def connect(self) -> RedfishBmc:
        """A driver of it, as a worker would have it."""
        bmc = BmcDrivers(_Secrets()).connect(BmcTarget(address=self.url, credential="bmc"), BmcProtocol.REDFISH)
        assert isinstance(bmc, RedfishBmc)
        return bmc

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        path = request.path.rstrip("/")
        if request.method == "POST" and path.endswith("/Sessions"):
            return web.json_response({}, status=201, headers={"X-Auth-Token": "t", "Location": f"{path}/1"})
        if request.method in ("POST", "PATCH"):
            self.writes.append((request.method, path, await request.json(), request.headers.get("If-Match")))
        if request.method != "GET":
            return web.Response(status=204)
        self.reads.append(path)
        body = self.bodies.get(path)
        if body is None:
            return web.Response(status=404)
        if self.expand and "$expand" in request.query:
            found = [self.bodies.get(m["@odata.id"], m) for m in body.get("Members", [])]
            body = body | {"Members": found}
        return web.json_response(body)


class TreeWire(Wire):
    """The same without HTTP, for tests of many trees: answers as the driver's own ``Wire`` would bring them."""

    def __init__(self, bodies: Bodies):
        super().__init__("BMC tree", BmcAddress("tree.example", None), False, 1.0)
        self.bodies = bodies
        self.writes: list[tuple[str, str, dict[str, Json]]] = []

    async def send(
        self,
        verb: str,
        path: str,
        *,
        headers: dict[str, str],
        body: dict[str, Json] | None = None,
        accept: frozenset[int] = frozenset(),
        form: aiohttp.FormData | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Answer from the tree."""
        path = path.partition("?")[0].rstrip("/")
        if verb == "POST" and path.endswith("/Sessions"):
            return Answer(201, {}, None, "t", f"{path}/1")
        if verb in ("POST", "PATCH"):
            self.writes.append((verb, path, body or {}))
        found = self.bodies.get(path)
        if verb == "GET" and found is None:
            if 404 in accept:
                return Answer(404, {}, None, None, None)
            raise failure(self.name, verb, path, 404, {})
        return Answer(200, found or {}, None, None, None) if verb == "GET" else Answer(204, {}, None, None, None)

    def connect(self) -> RedfishBmc:
        """A driver of it."""
        credential = parse_credential("bmc", CREDENTIAL)
        return RedfishBmc(Channel(self, credential, Breaker(self.name), 5.0), Memory())


@asynccontextmanager
async def serve_tree(bodies: Bodies, *, expand: bool = False) -> AsyncIterator[ServedTree]:
    """Serve a tree over plain HTTP on a free port of loopback."""
    tree = ServedTree("", bodies, expand)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", tree.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tree.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield tree
    finally:
        await runner.cleanup()
