"""A Vault-compatible endpoint: KV version 2 as HashiCorp's HTTP API reference describes it, not Vault itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "hvs.lab-token"


@dataclass(slots=True)
class FakeVault:
    """``secrets`` by path below ``secret/data/``. ``asked`` lists the paths and tokens of all requests."""

    secrets: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sealed: bool = False
    hangs: bool = False
    elsewhere: str = ""
    answer: Any = None
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        token = request.headers.get("X-Vault-Token", "")
        self.asked.append((request.path, token))
        if self.hangs:
            await asyncio.sleep(60)
        if self.elsewhere:
            return web.Response(status=307, headers={"Location": self.elsewhere})
        if self.sealed:
            return web.json_response({"errors": ["Vault is sealed"]}, status=503)
        if token != TOKEN:
            return web.json_response({"errors": ["permission denied"]}, status=403)
        if self.answer is not None:
            return web.json_response(self.answer)
        found = self.secrets.get(request.path.removeprefix("/v1/secret/data/"))
        if found is None:
            return web.json_response({"errors": []}, status=404)
        return web.json_response({"data": {"data": found, "metadata": {"version": 1}}})


@asynccontextmanager
async def fake_vault() -> AsyncIterator[FakeVault]:
    """Serve one on a free port of loopback."""
    vault = FakeVault()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", vault.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        vault.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield vault
    finally:
        await runner.cleanup()
