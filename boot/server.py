"""Runs a boot service on two sockets that the caller has bound, and follows the inventory while it runs."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from boot.service import BootService

_KEEPALIVE_S = 30.0
_SHUTDOWN_S = 2.0


@asynccontextmanager
async def serving(
    service: BootService, http: socket.socket, https: socket.socket, tls: ssl.SSLContext
) -> AsyncIterator["asyncio.Task[None]"]:
    """Serve until the block ends. Yields the task that follows the inventory: if it ends, the service is blind.

    Raises:
        Unreachable: the store gave no answer at the start.
    """
    await service.load()
    following = asyncio.create_task(service.follow(), name="boot: follow the inventory")
    runners = [
        web.AppRunner(app, access_log=None, keepalive_timeout=_KEEPALIVE_S, shutdown_timeout=_SHUTDOWN_S)
        for app in (service.http(), service.https())
    ]
    try:
        for runner, listener, context in zip(runners, (http, https), (None, tls), strict=True):
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=context).start()
        yield following
    finally:
        following.cancel()
        for runner in runners:
            await runner.cleanup()
        await asyncio.gather(following, return_exceptions=True)
