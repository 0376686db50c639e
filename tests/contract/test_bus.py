"""What services rely on in the bus, whichever it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import pytest

from tests.contract.conftest import Backend
from workflows.engine.ports import Message
from workflows.model.errors import Refused


async def test_wakes_of_one_node_collapse_and_none_is_lost(any_backend: Backend) -> None:
    bus = any_backend.bus
    for _ in range(20):
        await bus.wake("lab.nb-1")
    await bus.wake("lab.nb-2")
    async with aclosing(bus.wakes()) as wakes:
        woken = [await _next(wakes), await _next(wakes)]
        assert sorted(woken) == ["lab.nb-1", "lab.nb-2"]
        await bus.wake("lab.nb-1")
        assert await _next(wakes) == "lab.nb-1"
        with pytest.raises(TimeoutError):
            await _next(wakes, seconds=0.5)


async def test_a_wake_reaches_one_of_several_workers(backend: Backend) -> None:
    got: list[str] = []

    async def worker() -> None:
        async for node in backend.bus.wakes():
            got.append(node)

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(3)]
        for number in range(30):
            await backend.bus.wake(f"lab.nb-{number}")
        async with asyncio.timeout(10):
            while len(got) < 30:
                await backend.wait(timedelta(milliseconds=20))
                await asyncio.sleep(0)
        for one in workers:
            one.cancel()
    assert sorted(got) == sorted(f"lab.nb-{n}" for n in range(30))


async def test_another_sites_wake_is_not_ours(backend: Backend) -> None:
    await backend.bus.wake("elsewhere.nb-1")
    await backend.bus.wake("lab.nb-1")
    async with aclosing(backend.bus.wakes()) as wakes:
        assert await _next(wakes) == "lab.nb-1"


async def test_messages_come_in_order_with_their_sequence_and_time(any_backend: Backend) -> None:
    bus = any_backend.bus
    sent = [await bus.publish("command.alice.hold.lab", b"%d" % n) for n in range(5)]
    await bus.publish("command.alice.hold.elsewhere", b"not ours")
    await bus.publish("evt.netbox.device.7", b"not asked for")
    async with aclosing(bus.consume("commands", "command.*.*.lab")) as messages:
        got = [await _next(messages) for _ in range(5)]
        assert [m.sequence for m in got] == sent == sorted(sent)
        assert [m.data for m in got] == [b"%d" % n for n in range(5)]
        assert {m.subject for m in got} == {"command.alice.hold.lab"}
        assert got[0].time <= got[-1].time <= await any_backend.store.now()


async def test_one_that_was_not_finished_comes_again(backend: Backend) -> None:
    """A consumer that is cancelled in the middle of a message gives it back; the next one starts with it."""
    for number in range(3):
        await backend.bus.publish("evt.netbox.device.7", b"%d" % number)
    async with aclosing(backend.bus.consume("sync", "evt.netbox.>")) as messages:
        assert (await _next(messages)).data == b"0"
        assert (await _next(messages)).data == b"1"
    async with aclosing(backend.bus.consume("sync", "evt.netbox.>")) as messages:
        assert [(await _next(messages)).data for _ in range(2)] == [b"1", b"2"]


async def test_two_instances_of_a_service_share_the_messages_one_at_a_time(backend: Backend) -> None:
    first = await backend.bus.publish("evt.netbox.device.1", b"a")
    second = await backend.bus.publish("evt.netbox.device.1", b"b")
    async with (
        aclosing(backend.bus.consume("sync", "evt.netbox.>")) as one,
        aclosing(backend.bus.consume("sync", "evt.netbox.>")) as two,
    ):
        assert (await _next(one)).sequence == first
        with pytest.raises(TimeoutError):
            await _next(two, seconds=0.5)
    async with aclosing(backend.bus.consume("sync", "evt.netbox.>")) as three:
        assert [(await _next(three)).sequence for _ in range(2)] == [first, second]


async def test_the_same_event_twice_is_stored_once(backend: Backend) -> None:
    first = await backend.bus.publish("evt.netbox.device.7", b"x", dedupe="delivery-1")
    assert await backend.bus.publish("evt.netbox.device.7", b"x", dedupe="delivery-1") == first
    assert await backend.bus.publish("evt.netbox.device.7", b"x", dedupe="delivery-2") == first + 1
    assert await backend.bus.publish("evt.netbox.device.7", b"x") == first + 2


@pytest.mark.parametrize("subject", ["unknown.subject", "$KV.state.desired.lab.nb-1", "notes.x"])
async def test_a_subject_that_no_stream_keeps_is_refused(backend: Backend, subject: str) -> None:
    with pytest.raises(Refused):
        await backend.bus.publish(subject, b"x")


async def test_a_consumer_follows_one_stream(backend: Backend) -> None:
    async with aclosing(backend.bus.consume("c", "evt.>", "note.>")) as messages:
        with pytest.raises(Refused):
            await _next(messages)


async def test_evidence_is_kept_by_its_hash(any_backend: Backend) -> None:
    data = bytes(range(256)) * 2000
    name = await any_backend.evidence.put(data)
    assert await any_backend.evidence.put(data) == name
    assert await any_backend.evidence.get(name) == data
    empty = await any_backend.evidence.put(b"")
    assert await any_backend.evidence.get(empty) == b""
    with pytest.raises(Refused):
        await any_backend.evidence.get("0" * 64)


async def _next[T: (str, Message)](messages: AsyncIterator[T], seconds: float = 10) -> T:
    async with asyncio.timeout(seconds):
        return await anext(messages)


async def test_a_runs_log_is_read_in_order_by_step_and_from_where_one_was(backend: Backend) -> None:
    bus = backend.bus
    for number in range(150):
        bus.log("lab.nb-1.g1", "configure" if number % 2 else "reach", b"%d" % number)
    bus.log("lab.nb-1.g10", "configure", b"of another run")
    bus.log("lab.nb-12.g1", "configure", b"of another node")
    async with asyncio.timeout(10):
        while not [m async for m in bus.logged("lab.nb-12.g1")]:
            await backend.wait(timedelta(milliseconds=20))
    whole = [m async for m in bus.logged("lab.nb-1.g1")]
    assert [m.data for m in whole] == [b"%d" % n for n in range(150)]
    assert whole[0].subject == "log.lab.nb-1.g1.reach"
    assert whole[0].time <= whole[-1].time <= await backend.store.now()
    assert len([m async for m in bus.logged("lab.nb-1.g1", "configure")]) == 75
    assert [m.data async for m in bus.logged("lab.nb-1.g1", after=whole[-3].sequence)] == [b"148", b"149"]
    assert [m async for m in bus.logged("lab.nb-2.g1")] == []
