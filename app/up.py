"""A NATS server of our own for ``bringup up`` and the demo, where the configuration names none.

It listens on loopback only, and two logins may use it: our own, and the operator's. Their keys are made anew at each start;
what the command line beside us needs (url and the operator's key) lies in files below ``data`` that only our user can read.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.config import LOGIN_FILE, Config
from workflows.drivers.secrets import write_secret_file
from workflows.jetstream.permissions import Role, User, accounts, new_key
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.wire import Login

SELF = "up"


@asynccontextmanager
async def own_nats(config: Config) -> AsyncIterator[tuple[Config, Login | None]]:
    """The configuration with a NATS url, and our login where the server is ours; it lives as long as this block."""
    if config.nats.url is not None:
        yield config, None
        return
    seed, public = new_key()
    operator_seed, operator = new_key()
    users = [User(SELF, Role.ADMIN, public), User(config.who, Role.PERSON, operator)]
    config.data.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(config.data / "nats", accounts=accounts(users))
    await server.start()
    login = config.data / LOGIN_FILE
    try:
        login.unlink(missing_ok=True)
        write_secret_file(login, {"url": server.url, "who": config.who, "seed": operator_seed})
        nats = config.nats.model_copy(update={"url": server.url})
        yield config.model_copy(update={"nats": nats}), Login(SELF, seed)
    finally:
        login.unlink(missing_ok=True)
        await server.stop()
