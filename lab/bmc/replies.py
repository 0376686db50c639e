"""What a lab BMC answers with, and the one request that its services are handed."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from lab.bmc.bodies import Body, error_body

MAX_PIECES = 1024
"""Pieces of an answer without an end: 64 MiB where they are large, eight times what our driver reads of an answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request that changes something."""

    verb: str
    path: str
    request: web.Request

    async def body(self) -> Body:
        """Its JSON object; empty where it has none."""
        try:
            body = json.loads(await self.request.read())
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


class Service(Protocol):
    """One of a BMC's services: what it shows, and what it does with a request that is meant for it."""

    def bodies(self) -> dict[str, Body]:
        """Its resources, by path."""

    async def write(self, call: Call) -> web.StreamResponse | None:
        """The answer; None where the request is not meant for it."""


def resource_reply(status: int, body: Body, headers: dict[str, str] | None = None) -> web.Response:
    """A resource, with its ETag."""
    tag = body.get("@odata.etag")
    tagged = {"ETag": tag} if isinstance(tag, str) else {}
    return web.json_response(body, status=status, headers=(headers or {}) | tagged | {"OData-Version": "4.0"})


def done() -> web.Response:
    """Done, nothing to say."""
    return web.Response(status=204)


def refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """A Redfish error."""
    return web.json_response(error_body(code, message), status=status, headers=headers)


def not_found(path: str) -> web.Response:
    """There is nothing there."""
    return refused(404, "ResourceMissingAtURI", f"There is no resource at {path[:200]}.")


def dropped(request: web.Request) -> web.Response:
    """No answer: the connection is closed."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def endless(request: web.Request, piece: bytes, pause: float) -> web.StreamResponse:
    """An answer without an end: MAX_PIECES with a pause between them (seconds), until whoever asked is gone.

    It gives way between pieces, else it never hears that the client left. Over TLS, what is written to a connection on its
    way down is kept in memory, so the number of pieces is bounded.
    """
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(MAX_PIECES):
            if request.transport is None or request.transport.is_closing():
                break
            await response.write(piece)
            await asyncio.sleep(pause)
    return response
