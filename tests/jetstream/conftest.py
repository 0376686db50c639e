"""A server whose users are those of the permission table, one a role and a second person."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.permissions import Role, User, accounts, new_key
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login, connect

WHO = {
    "admin": Role.ADMIN,
    "worker": Role.WORKER,
    "sync": Role.SYNC,
    "boot": Role.BOOT,
    "bot": Role.BOT,
    "web": Role.WEB,
    "alice": Role.PERSON,
    "mallory": Role.PERSON,
}


@dataclass(frozen=True)
class Guarded:
    """The server and the logins by name."""

    server: EmbeddedServer
    logins: dict[str, Login]

    async def site(self, stack: AsyncExitStack, who: str) -> JetStreamSite:
        """The ports as ``who`` has them."""
        return await stack.enter_async_context(open_site([self.server.url], self.logins[who], "lab"))


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    """A server with the table's permissions, and streams."""
    keys = {who: new_key() for who in WHO}
    users = [User(who, role, keys[who][1]) for who, role in WHO.items()]
    server = EmbeddedServer(tmp_path / "nats", accounts=accounts(users))
    logins = {who: Login(who, seed=seed) for who, (seed, _) in keys.items()}
    await server.start()
    try:
        async with connect([server.url], logins["admin"]) as wire:
            await ensure_streams(wire)
        yield Guarded(server, logins)
    finally:
        await server.kill()
