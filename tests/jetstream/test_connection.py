"""The connection, the streams and the server process: what ends when, and what is said then."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.table import STREAMS, nanoseconds
from workflows.jetstream.wire import Login, connect
from workflows.model.errors import BadInput, Refused, Unreachable

pytestmark = pytest.mark.real

PARENT = """
import asyncio, sys
from pathlib import Path
from workflows.jetstream.server import EmbeddedServer

async def main():
    server = EmbeddedServer(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_client_that_closes_for_good_ends_every_wait_with_an_error(jetstream_site: JetStreamSite) -> None:
    """A silent end would leave a service that looks alive and hears nothing."""
    site = jetstream_site
    waits = [
        asyncio.ensure_future(_drained(site.store.watch("desired.>"))),
        asyncio.ensure_future(_drained(site.bus.wakes())),
        asyncio.ensure_future(_drained(site.bus.consume("commands", "command.>"))),
    ]
    await asyncio.sleep(0.3)
    await site.wire.client.close()
    async with asyncio.timeout(10):
        ended = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(e) for e in ended] == [Unreachable] * 3
    with pytest.raises(Unreachable, match="closed for good"):
        await site.store.get("desired.lab.nb-1")


async def test_cancelling_a_wait_is_still_a_cancellation(jetstream_site: JetStreamSite) -> None:
    waiting = asyncio.ensure_future(_drained(jetstream_site.store.watch("desired.>")))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_message_in_hand_is_not_given_to_another(jetstream_site: JetStreamSite) -> None:
    """Work on it may take longer than the server's patience, which is 5 s so that a crash costs no more."""
    bus = jetstream_site.bus
    await bus.publish("command.alice.hold.lab", b"slow")
    async with (
        aclosing(bus.consume("commands", "command.>")) as one,
        aclosing(bus.consume("commands", "command.>")) as two,
    ):
        assert (await anext(one)).data == b"slow"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7):
                await anext(two)


async def test_streams_are_made_once_and_brought_to_the_table(nats_server: EmbeddedServer) -> None:
    async with connect([nats_server.url], Login("admin")) as wire:
        before = [(await wire.api(f"STREAM.INFO.{s.name}"))["created"] for s in STREAMS]
        await wire.api("STREAM.UPDATE.NOTE", {**_table("NOTE"), "max_age": nanoseconds(timedelta(days=1))})
        await ensure_streams(wire)
        await ensure_streams(wire)
        assert [(await wire.api(f"STREAM.INFO.{s.name}"))["created"] for s in STREAMS] == before
        found = (await wire.api("STREAM.INFO.NOTE"))["config"]
        assert isinstance(found, dict)
        assert found["max_age"] == nanoseconds(timedelta(days=7))
        with pytest.raises(Refused):
            await ensure_streams(wire, replicas=3)


async def test_a_site_without_streams_says_so(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    await server.start()
    try:
        with pytest.raises(Refused, match="KV_state"):
            async with open_site([server.url], Login("worker"), "lab"):
                pass
    finally:
        await server.stop()


@pytest.mark.parametrize("key", ["", "a..b", "a.", ".a", "a b", "a.*", "a.>", "a\r\nPUB x", "ä", "a/b"])
async def test_a_key_that_is_none_reaches_no_server(jetstream_site: JetStreamSite, key: str) -> None:
    with pytest.raises(BadInput):
        await jetstream_site.store.get(key)
    with pytest.raises(BadInput):
        await jetstream_site.store.put(key, b"x", expect=0)


@pytest.mark.parametrize("pattern", ["", "a.>.b", "a*", "a b", ">.a", "a.\n"])
async def test_a_pattern_that_is_none_reaches_no_server(jetstream_site: JetStreamSite, pattern: str) -> None:
    with pytest.raises(BadInput):
        await jetstream_site.store.list(pattern)
    with pytest.raises(BadInput):
        await anext(jetstream_site.store.watch(pattern))


async def test_a_record_that_is_too_large_is_refused(jetstream_site: JetStreamSite) -> None:
    with pytest.raises(Refused):
        await jetstream_site.store.put("desired.lab.nb-1", b"x" * 1_010_000, expect=0)


async def test_the_server_dies_with_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert _runs(pid)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await _until(lambda: not _runs(pid))


async def test_a_server_that_can_not_start_says_why(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, extra={"no_such_setting": True})
    with pytest.raises(Unreachable, match="no_such_setting"):
        await server.start()
    assert server.pid is None


async def test_acknowledged_means_on_disk(nats_server: EmbeddedServer) -> None:
    config = json.loads((nats_server.directory / "server.conf").read_text())
    assert config["jetstream"]["sync_interval"] == "always"
    assert nats_server.url.startswith("nats://127.0.0.1:")


def _table(name: str) -> dict[str, object]:
    return dict(next(s for s in STREAMS if s.name == name).config(1))


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _drained(items: AsyncIterator[object]) -> list[object]:
    return [item async for item in items]
