"""The backends that keep one contract: memory in virtual time, one server, and a cluster of three."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from lab.memory import MemoryBus, MemoryEvidence, MemoryStore, VirtualClock
from lab.nats import throwaway_cluster, throwaway_server
from workflows.engine.ports import Bus, Evidence, Store
from workflows.jetstream.site import open_site
from workflows.jetstream.wire import Login


@dataclass(frozen=True)
class Backend:
    """The ports of one backend. ``wait`` lets that much of its time pass."""

    store: Store
    bus: Bus
    evidence: Evidence
    wait: Callable[[timedelta], Awaitable[None]]

    async def gone(self, key: str) -> int:
        """Wait until the record has expired; returns the marker's sequence."""
        for _ in range(60):
            value = await self.store.get(key)
            if value.data is None:
                return value.seq
            await self.wait(timedelta(seconds=0.1))
        raise AssertionError(f"{key} never expired")


@asynccontextmanager
async def _backend(kind: str, directory: Path) -> AsyncIterator[Backend]:
    if kind == "memory":
        clock = VirtualClock()
        yield Backend(MemoryStore(clock), MemoryBus("lab", clock), MemoryEvidence(), clock.advance)
        return
    async with AsyncExitStack() as stack:
        if kind == "server":
            urls = [(await stack.enter_async_context(throwaway_server(directory))).url]
        else:
            urls = (await stack.enter_async_context(throwaway_cluster(directory))).urls
        site = await stack.enter_async_context(open_site(urls, Login("worker"), "lab"))
        yield Backend(site.store, site.bus, site.evidence, site.clock.sleep)


MEMORY = pytest.param("memory", marks=pytest.mark.fast)
SERVER = pytest.param("server", marks=pytest.mark.real)
CLUSTER = pytest.param("cluster", marks=pytest.mark.real)


@pytest.fixture(params=[MEMORY, SERVER])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """Memory and a single server."""
    async with _backend(request.param, tmp_path) as one:
        yield one


@pytest.fixture(params=[MEMORY, SERVER, CLUSTER])
async def any_backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """Memory, a single server, and three replicas: where replication could make a difference."""
    async with _backend(request.param, tmp_path) as one:
        yield one
