"""A NATS server of our own for ``bringup up`` and the demo, where the configuration names none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.config import Config
from workflows.jetstream.server import EmbeddedServer


@asynccontextmanager
async def own_nats(config: Config) -> AsyncIterator[Config]:
    """The configuration with a NATS url: the one it has, or that of a server that lives as long as this block.

    The embedded server listens on loopback only, keeps its store under ``data``, and writes its url to ``data/nats.url``
    so that ``bringup status`` beside it finds it.
    """
    if config.nats.url is not None:
        yield config
        return
    server = EmbeddedServer(config.data / "nats")
    await server.start()
    address = config.data / "nats.url"
    try:
        address.write_text(server.url)
        yield config.model_copy(update={"nats": config.nats.model_copy(update={"url": server.url})})
    finally:
        address.unlink(missing_ok=True)
        await server.stop()
