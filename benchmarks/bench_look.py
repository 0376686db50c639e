"""What one look at a node costs on a real JetStream server, and one journal entry under a lease.

A look is what a worker does at each wake, and for most wakes it is all: read wish, request, status, run, fold the journal.
Prints one line a number; the machine's load is part of them.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from workflows.engine.lease import Lease
from workflows.engine.look import look
from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login, connect
from workflows.model.desired import Desired, Intent
from workflows.model.journal import Entry, Kind
from workflows.model.run import Run, StepRef

NODES, ENTRIES, TIMES = 1000, 40, 200
MINUTE = timedelta(minutes=1)


async def main() -> None:
    """Start a server, fill it, measure."""
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory))
        await server.start()
        try:
            async with connect([server.url], Login("bench")) as wire:
                await ensure_streams(wire)
            async with open_site([server.url], Login("bench"), "lab") as site:
                await measure(site)
        finally:
            await server.stop()


async def measure(site: JetStreamSite) -> None:
    """All numbers."""
    for number in range(NODES):
        node = f"lab.n{number}"
        wish = Desired(node=node, generation=1, name=node, status="staged", intent=Intent.SERVE, serial=str(number))
        await site.store.put(f"desired.{node}", wish.encode(), expect=0)
    run = Run(
        node="lab.n1", cause="g1", workflow="provision", steps=(StepRef(name="identify", version=1),), desired=wish
    )
    await site.store.put("run.lab.n1.g1", run.encode(), expect=0)
    lease = await Lease.acquire(site.store, site.clock, "lab.n1", "bench", MINUTE)
    assert lease is not None

    async def append(n: int) -> object:
        entry = Entry(kind=Kind.CLAIMED, token=lease.token, worker="bench")
        return await lease.append(f"journal.lab.n1.g1.{lease.token}.{n}", entry.encode())

    await timed("one journal entry under a lease", ENTRIES, append)
    await timed(f"one look, {ENTRIES} entries, {NODES} nodes", TIMES, lambda _: look(site.store, "lab.n1"))
    await timed(f"one look at an idle node, {NODES} nodes", TIMES, lambda _: look(site.store, "lab.n2"))


async def timed(what: str, times: int, act: Callable[[int], Awaitable[object]]) -> None:
    """Median and slowest, in milliseconds."""
    took = []
    for n in range(times):
        began = time.perf_counter()
        await act(n)
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    print(f"{what:48} median {took[len(took) // 2]:7.2f} ms   slowest {took[-1]:7.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
