"""What is acknowledged survives, what waits goes on: kill -9 of a server or a leader, lost acknowledgements."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from lab.nats import throwaway_cluster
from workflows.engine.ports import Guard
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login
from workflows.model.errors import Conflict, Fenced, Unreachable

pytestmark = pytest.mark.real

LEASE = "lease.lab.nb-1"
JOURNAL = "journal.lab.nb-1.g1"


async def test_kill_9_loses_nothing_acknowledged(nats_server: EmbeddedServer, jetstream_site: JetStreamSite) -> None:
    """Appends go on through the crash: the store repeats them until the server is back."""
    store = jetstream_site.store
    guard = Guard(LEASE, await store.put(LEASE, b"w", expect=0))
    acknowledged: list[str] = []

    async def append(number: int) -> None:
        key = f"{JOURNAL}.{guard.seq}.{number}"
        await store.append(key, b"%d" % number, guard=guard)
        acknowledged.append(key)

    async def write() -> None:
        for number in range(200):
            await append(number)

    writing = asyncio.ensure_future(write())
    await _until(lambda: len(acknowledged) > 20)
    await nats_server.kill()
    before = len(acknowledged)
    await nats_server.start()
    async with asyncio.timeout(20):
        await writing
    assert 20 < before < 200
    assert {v.key for v in await store.list(f"{JOURNAL}.>")} == set(acknowledged)
    assert len(acknowledged) == 200


async def test_an_orderly_restart_is_outlived_too(nats_server: EmbeddedServer, jetstream_site: JetStreamSite) -> None:
    seq = await jetstream_site.store.put(LEASE, b"w", expect=0)
    await nats_server.stop()
    await nats_server.start()
    await _until_answers(jetstream_site)
    assert (await jetstream_site.store.get(LEASE)).seq == seq


async def test_watch_goes_on_after_a_restart_and_misses_nothing(
    nats_server: EmbeddedServer, jetstream_site: JetStreamSite
) -> None:
    store = jetstream_site.store
    first = await store.put("desired.lab.nb-1", b"1", expect=0)
    await store.put("desired.lab.nb-2", b"untouched", expect=0)
    async with aclosing(store.watch("desired.>")) as changes:
        assert [(await _next(changes)).data for _ in range(2)] == [b"1", b"untouched"]
        await nats_server.kill()
        await nats_server.start()
        await _until_answers(jetstream_site)
        second = await store.put("desired.lab.nb-1", b"2", expect=first)
        await store.delete("desired.lab.nb-1", expect=second)
        await store.put("desired.lab.nb-3", b"3", expect=0)
        seen = [await _next(changes)]
        while seen[-1].data != b"3":
            seen.append(await _next(changes))
        assert [(v.key, v.data) for v in seen if v.data != b"2"] == [
            ("desired.lab.nb-1", None),
            ("desired.lab.nb-3", b"3"),
        ]


async def test_wakes_and_consumers_are_not_deaf_after_a_restart(
    nats_server: EmbeddedServer, jetstream_site: JetStreamSite
) -> None:
    bus = jetstream_site.bus
    await bus.publish("evt.netbox.device.1", b"before")
    async with aclosing(bus.wakes()) as wakes, aclosing(bus.consume("sync", "evt.netbox.>")) as events:
        waking = asyncio.ensure_future(_next(wakes, 20))
        assert (await _next(events)).data == b"before"
        waiting = asyncio.ensure_future(_next(events, 20))
        await asyncio.sleep(0.1)
        await nats_server.kill()
        await nats_server.start()
        assert await bus.publish("evt.netbox.device.1", b"after") == 2
        await bus.wake("lab.nb-1")
        assert await waking == "lab.nb-1"
        while (await waiting).data != b"after":  # the acknowledgement may have been lost with the server
            waiting = asyncio.ensure_future(_next(events))


async def test_a_lost_wake_is_no_error(nats_server: EmbeddedServer, jetstream_site: JetStreamSite) -> None:
    """A service that wakes nodes must not end because NATS is away: the reconciler wakes them again."""
    await nats_server.kill()
    async with asyncio.timeout(10):
        await jetstream_site.bus.wake("lab.nb-1")


async def test_compare_and_set_without_an_answer_is_unreachable_not_repeated(
    nats_server: EmbeddedServer, jetstream_site: JetStreamSite
) -> None:
    """Repeating it could meet somebody else's equal write and believe it its own."""
    seq = await jetstream_site.store.put("cap.lab", b"1", expect=0)
    await nats_server.kill()
    with pytest.raises(Unreachable):
        await jetstream_site.store.put("cap.lab", b"2", expect=seq)


async def test_a_lost_acknowledgement_leads_to_the_same_publish_again(jetstream_site: JetStreamSite) -> None:
    store = jetstream_site.store
    guard = Guard(LEASE, await store.put(LEASE, b"w", expect=0))
    sent = _lose_answers(jetstream_site, 2)
    await store.append(f"{JOURNAL}.{guard.seq}.0", b"claimed", guard=guard)
    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert [v.data for v in await store.list(f"{JOURNAL}.>")] == [b"claimed"]


async def test_a_ghost_of_the_last_holder_is_refused(jetstream_site: JetStreamSite) -> None:
    """The acknowledgement is lost, then the lease: the repeated publish must not land."""
    store = jetstream_site.store
    guard = Guard(LEASE, await store.put(LEASE, b"old", expect=0))
    key = f"{JOURNAL}.{guard.seq}.0"
    sent = _lose_answers(jetstream_site, 1)
    appending = asyncio.ensure_future(store.append(key, b"claimed", guard=guard))
    await _until(lambda: len(sent) == 1)
    new = await store.put(LEASE, b"new", expect=guard.seq)
    with pytest.raises(Fenced):
        await appending
    await store.append(f"{JOURNAL}.{new}.0", b"claimed", guard=Guard(LEASE, new))
    assert [v.key for v in await store.list(f"{JOURNAL}.>")] == [key, f"{JOURNAL}.{new}.0"]


async def test_three_replicas_outlive_their_leader(tmp_path: Path) -> None:
    """kill -9 of the stream's leader: acknowledgements pause for seconds, appends are repeated, nothing is lost."""
    async with throwaway_cluster(tmp_path) as cluster, open_site(cluster.urls, Login("worker"), "lab") as site:
        guard = Guard(LEASE, await site.store.put(LEASE, b"w", expect=0))
        await site.store.append(f"{JOURNAL}.{guard.seq}.0", b"0", guard=guard)
        info = (await site.wire.api("STREAM.INFO.KV_state"))["cluster"]
        assert isinstance(info, dict)
        await cluster.named(str(info["leader"])).kill()
        async with asyncio.timeout(20):
            for number in range(1, 20):
                await site.store.append(f"{JOURNAL}.{guard.seq}.{number}", b"%d" % number, guard=guard)
            with pytest.raises(Conflict):
                await site.store.put(LEASE, b"other", expect=0)
        assert [int(v.data or b"") for v in await site.store.list(f"{JOURNAL}.>")] == list(range(20))


def _lose_answers(site: JetStreamSite, number: int) -> list[tuple[str, bytes]]:
    """Let the next publishes reach the server and drop the server's answer; returns the list of what was sent."""
    sent: list[tuple[str, bytes]] = []
    publish = site.wire.publish

    async def deaf(subject: str, data: bytes, headers: dict[str, str], *, timeout: timedelta) -> int:
        seq = await publish(subject, data, headers, timeout=timeout)
        sent.append((subject, data))
        if len(sent) <= number:
            raise Unreachable("the acknowledgement was lost")
        return seq

    site.wire.publish = deaf
    return sent


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def _until_answers(site: JetStreamSite) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                await site.store.now()
                return
            except Unreachable:
                await asyncio.sleep(0.05)


async def _next[T](items: AsyncIterator[T], seconds: float = 15) -> T:
    async with asyncio.timeout(seconds):
        return await anext(items)
