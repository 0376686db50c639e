"""Puts lab BMCs on the network: several in one process, each on an address or port of its own, with or without TLS.

Beside ``/redfish`` each serves an admin endpoint without authentication, for labs that are driven from outside:
``PUT /lab/faults`` (a body of ``Faults``), ``GET /lab/ledger`` (the counts as text).
"""

import socket
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import web

from lab.bmc.bmc import MAX_BODY, LabBmc
from lab.bmc.faults import Faults
from lab.bmc.tls import LabCertificate
from workflows.model.errors import BadInput


class ServedBmc:
    """A lab BMC that is being served; an asynchronous context manager. ``url`` has no trailing slash."""

    def __init__(self, bmc: LabBmc, runner: web.AppRunner, url: str):
        self.bmc, self.url = bmc, url
        self._runner = runner

    @property
    def address(self) -> str:
        """What NetBox would hold: ``host:port`` for HTTPS, the whole URL for plain HTTP."""
        return self.url.removeprefix("https://")

    async def close(self) -> None:
        """Stop serving; the machine stays as it is."""
        await self._runner.cleanup()
        await self.bmc.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def serve(
    bmc: LabBmc,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    listener: socket.socket | None = None,
    certificate: LabCertificate | None = None,
) -> ServedBmc:
    """Serve one BMC. Port 0 is a free one; ``listener`` is a bound socket instead (of a network namespace, say)."""
    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_put("/lab/faults", partial(_set_faults, bmc))
    app.router.add_get("/lab/ledger", partial(_ledger, bmc))
    app.router.add_route("*", "/redfish{rest:.*}", bmc.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    if listener is None:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound_host, bound_port = listener.getsockname()[:2]
    await web.SockSite(runner, listener, ssl_context=certificate.context if certificate else None).start()
    literal = f"[{bound_host}]" if ":" in bound_host else bound_host
    return ServedBmc(bmc, runner, f"{'https' if certificate else 'http'}://{literal}:{bound_port}")


async def _set_faults(bmc: LabBmc, request: web.Request) -> web.Response:
    try:
        bmc.faults = Faults.decode(await request.read())
    except BadInput as error:
        return web.Response(status=400, text=str(error))
    return web.Response(status=204)


async def _ledger(bmc: LabBmc, _: web.Request) -> web.Response:
    return web.Response(text=bmc.ledger.summary)
