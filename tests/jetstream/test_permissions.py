"""Each role does its work and nothing else, against a real server with the rendered configuration."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta

import pytest

from lab.nats import forbidden
from tests.fixtures.guarded import WHO, Guarded
from workflows.engine.ports import Guard
from workflows.jetstream.ensure import ensure_streams
from workflows.jetstream.permissions import User, accounts, new_key
from workflows.jetstream.table import STATE_PREFIX
from workflows.jetstream.wire import Login, connect
from workflows.model.errors import BadInput, Refused, Unreachable

pytestmark = pytest.mark.real

MAY = [
    ("worker", "$KV.state.request.lab.nb-1"),
    ("worker", "$KV.state.journal.lab.nb-1.g1.5.0"),
    ("worker", "$KV.state.lease.lab.nb-1"),
    ("worker", "$KV.state.grant.lab.nb-1.g1.1"),
    ("worker", "$KV.state.outcome.5"),
    ("worker", "$KV.state.cap.lab"),
    ("worker", "wake.lab.nb-1"),
    ("worker", "note.finished.lab.nb-1"),
    ("worker", "dead.command"),
    ("sync", "$KV.state.desired.lab.nb-1"),
    ("sync", "$KV.state.epoch"),
    ("sync", "$KV.state.witness.0123abcd"),
    ("sync", "evt.netbox.device.7"),
    ("sync", "command.sync.reimage.lab"),
    ("sync", "wake.lab.nb-1"),
    ("boot", "$KV.state.grant.lab.nb-1.g1.1"),
    ("boot", "$KV.state.served.lab.nb-1"),
    ("boot", "$KV.state.strangers.lab"),
    ("boot", "evt.agent.lab.nb-1-g1.report"),
    ("bot", "command.bot.hold.lab"),
    ("web", "command.web.hold.lab"),
    ("alice", "command.alice.reimage.lab"),
    ("admin", "$KV.state.epoch"),
]
MAY_NOT = [
    ("worker", "$KV.state.desired.lab.nb-1"),
    ("worker", "$KV.state.served.lab.nb-1"),
    ("worker", "$KV.state.strangers.lab"),
    ("worker", "$KV.state.epoch"),
    ("worker", "command.worker.reimage.lab"),
    ("worker", "evt.agent.lab.nb-1-g1.report"),
    ("sync", "$KV.state.lease.lab.nb-1"),
    ("sync", "$KV.state.journal.lab.nb-1.g1.5.0"),
    ("sync", "$KV.state.grant.lab.nb-1.g1.1"),
    ("sync", "$KV.state.request.lab.nb-1"),
    ("sync", "command.alice.reimage.lab"),
    ("boot", "$KV.state.desired.lab.nb-1"),
    ("boot", "$KV.state.lease.lab.nb-1"),
    ("boot", "$KV.state.journal.lab.nb-1.g1.5.0"),
    ("boot", "command.boot.approve.lab"),
    ("boot", "evt.netbox.device.7"),
    ("bot", "command.alice.approve.lab"),
    ("bot", "$KV.state.request.lab.nb-1"),
    ("web", "command.bot.approve.lab"),
    ("alice", "command.mallory.approve.lab"),
    ("alice", "command.alice2.approve.lab"),
    ("alice", "$KV.state.request.lab.nb-1"),
    ("alice", "wake.lab.nb-1"),
    ("alice", "note.finished.lab.nb-1"),
]
MAY_NOT_CALL = [
    "STREAM.DELETE.KV_state",
    "STREAM.PURGE.KV_state",
    "STREAM.UPDATE.KV_state",
    "STREAM.MSG.DELETE.EVENTS",
    "STREAM.MSG.GET.EVENTS",
    "STREAM.RESTORE.KV_state",
    "CONSUMER.DELETE.WAKE.wake-lab",
    "CONSUMER.CREATE.LOG.x",
]


async def test_every_allowed_pair_is_stored(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        wires = {w: await stack.enter_async_context(connect([guarded.server.url], guarded.logins[w])) for w in WHO}
        for who, subject in MAY:
            assert await wires[who].publish(subject, b"{}", {}) > 0, (who, subject)


async def test_every_forbidden_pair_is_refused_at_once_and_nothing_is_stored(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        wires = {w: await stack.enter_async_context(connect([guarded.server.url], guarded.logins[w])) for w in WHO}
        async with asyncio.timeout(10):
            for who, subject in MAY_NOT:
                with pytest.raises(Refused):
                    await wires[who].publish(subject, b"{}", {})
        assert await _stored(guarded, "KV_state") == await _stored(guarded, "EVENTS") == 0
    told = forbidden(guarded.server)
    assert [subject for who, subject in MAY_NOT if not any(subject in line for line in told)] == []


@pytest.mark.parametrize("who", ["worker", "sync", "boot", "bot", "alice"])
async def test_nobody_but_the_admin_changes_or_empties_a_stream(guarded: Guarded, who: str) -> None:
    async with connect([guarded.server.url], guarded.logins[who]) as wire:
        for call in MAY_NOT_CALL:
            with pytest.raises(Refused):
                await wire.api(call, {})
        await ensure_streams(wire)
    async with connect([guarded.server.url], guarded.logins["admin"]) as admin:
        await ensure_streams(admin)


async def test_a_person_can_read_the_state_watch_it_and_read_evidence(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        worker, alice = await guarded.site(stack, "worker"), await guarded.site(stack, "alice")
        seq = await worker.store.put("lease.lab.nb-1", b"w", expect=0)
        await worker.store.append("status.lab.nb-1", b"s", guard=Guard("lease.lab.nb-1", seq))
        assert (await alice.store.get("status.lab.nb-1")).data == b"s"
        assert [v.data for v in await alice.store.list("status.>")] == [b"s"]
        assert abs(alice.clock.now() - worker.clock.now()) < timedelta(seconds=1)
        async with aclosing(alice.store.watch("status.>")) as changes:
            assert (await _next(changes)).data == b"s"
            await worker.store.append("status.lab.nb-1", b"t", guard=Guard("lease.lab.nb-1", seq))
            assert (await _next(changes)).data == b"t"
        big = bytes(range(256)) * 5000
        name = await worker.evidence.put(big)
        assert await alice.evidence.get(name) == big
        with pytest.raises(Refused):
            await alice.evidence.put(b"forged")


async def test_a_person_and_the_web_page_read_a_runs_log_and_nobody_else_does(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        sites = {who: await guarded.site(stack, who) for who in ("worker", "sync", "boot", "bot", "web", "alice")}
        sites["worker"].bus.log("lab.nb-1.g1", "configure", b"line")
        async with asyncio.timeout(5):
            while not [m async for m in sites["alice"].bus.logged("lab.nb-1.g1")]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert [m.data async for m in sites["web"].bus.logged("lab.nb-1.g1")] == [b"line"]
        for who in ("sync", "boot", "bot"):
            with pytest.raises(Refused):
                [m async for m in sites[who].bus.logged("lab.nb-1.g1")]
        with pytest.raises(Refused):
            await sites["alice"].bus.publish("log.lab.nb-1.g1.configure", b"forged")


async def test_the_services_get_what_they_consume(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        worker, sync = await guarded.site(stack, "worker"), await guarded.site(stack, "sync")
        boot, bot, alice = [await guarded.site(stack, who) for who in ("boot", "bot", "alice")]
        await boot.bus.wake("lab.nb-1")
        async with aclosing(worker.bus.wakes()) as wakes:
            assert await _next(wakes) == "lab.nb-1"
        await alice.bus.publish("command.alice.hold.lab", b"1")
        await alice.bus.publish("command.alice.hold.lab", b"2")
        async with aclosing(worker.bus.consume("commands", "command.*.*.lab")) as commands:
            assert [(await _next(commands)).data for _ in range(2)] == [b"1", b"2"]
        await sync.bus.publish("evt.netbox.device.7", b"e")
        async with aclosing(sync.bus.consume("inventory-sync", "evt.netbox.>")) as events:
            assert (await _next(events)).data == b"e"
        await worker.bus.publish("note.finished.lab.nb-1", b"n")
        async with aclosing(bot.bus.consume("bot", "note.>")) as notes:
            assert (await _next(notes)).subject == "note.finished.lab.nb-1"
        worker.bus.log("lab.nb-1.g1", "reach", b"line")
        await worker.bus.close()
        async with asyncio.timeout(5):
            while await _stored(guarded, "LOG") == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_a_consumer_that_a_role_may_not_use_says_so(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        alice = await guarded.site(stack, "alice")
        async with aclosing(alice.bus.consume("commands", "command.*.*.lab")) as commands:
            with pytest.raises(Refused):
                await _next(commands)


async def test_an_answer_can_not_be_aimed_at_a_key_or_at_anothers_name(guarded: Guarded) -> None:
    """In one account with subject permissions only, each of these was stored (nats-server 2.15)."""
    async with AsyncExitStack() as stack:
        worker = await guarded.site(stack, "worker")
        seq = await worker.store.put("lease.lab.nb-1", b"w", expect=0)
        await worker.store.append("status.lab.nb-1", b"of node 1", guard=Guard("lease.lab.nb-1", seq))
        for who in ("mallory", "boot", "sync"):
            wire = await stack.enter_async_context(connect([guarded.server.url], guarded.logins[who]))
            for target in ("$KV.state.lease.lab.nb-1", "$KV.state.status.lab.nb-2", "command.alice.approve.lab"):
                own = {"mallory": "command.mallory.x.lab", "boot": "wake.lab.nb-1", "sync": "wake.lab.nb-1"}[who]
                await wire.client.publish(own, b'{"select":"x"}', reply=target)
                read = f"{wire.prefix}.DIRECT.GET.KV_state.{STATE_PREFIX}status.lab.nb-1"
                await wire.client.publish(read, b"", reply=target)
                await wire.client.publish(f"{wire.prefix}.STREAM.INFO.KV_state", b"", reply=target)
                push = {"name": f"p-{who}", "deliver_subject": target, "ack_policy": "none", "deliver_policy": "all"}
                body = json.dumps({"stream_name": "KV_state", "config": push}).encode()
                await wire.client.publish(f"{wire.prefix}.CONSUMER.CREATE.KV_state.p-{who}", body)
            await wire.client.flush()
            await worker.store.append("status.lab.nb-1", b"again", guard=Guard("lease.lab.nb-1", seq))
        assert (await worker.store.get("lease.lab.nb-1")).seq == seq
        assert (await worker.store.get("status.lab.nb-2")).seq == 0
        admin = await stack.enter_async_context(connect([guarded.server.url], guarded.logins["admin"]))
        found = (await admin.api("STREAM.INFO.EVENTS", {"subjects_filter": ">"}))["state"]
        assert isinstance(found, dict)
        assert found["subjects"] == {"command.mallory.x.lab": 3}


async def test_nobody_listens_on_anothers_inbox_or_on_the_wire(guarded: Guarded) -> None:
    async with connect([guarded.server.url], guarded.logins["mallory"]) as wire:
        heard: list[Exception] = []
        wire.heard = heard.append
        for subject in ("_INBOX.alice.>", "command.>", "$KV.>", ">"):
            await wire.client.subscribe(subject)
        await wire.client.flush()
        async with asyncio.timeout(5):
            while len(heard) < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert all("ermissions" in str(error) for error in heard)


async def test_a_stranger_is_refused_at_once(guarded: Guarded) -> None:
    for login in (Login("alice", seed=new_key()[0]), Login("alice"), Login("alice", password="guess")):
        with pytest.raises(Refused, match="credential"):
            async with connect([guarded.server.url], login):
                pass


async def test_no_server_is_unreachable_within_the_patience() -> None:
    with pytest.raises(Unreachable, match="no NATS"):
        async with connect(["nats://127.0.0.1:1"], Login("alice"), patience=timedelta(seconds=0.5)):
            pass


@pytest.mark.parametrize("who", ["a.b", "a b", "*", ">", "", "Alice"])
def test_a_name_that_would_be_more_than_one_part_of_a_subject_is_refused(who: str) -> None:
    with pytest.raises(BadInput):
        accounts([User(who, WHO["alice"], new_key()[1])])


def test_two_users_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput):
        accounts([User("alice", WHO["alice"], new_key()[1]), User("alice", WHO["bot"], new_key()[1])])


async def _stored(guarded: Guarded, stream: str) -> int:
    async with connect([guarded.server.url], guarded.logins["admin"]) as admin:
        state = (await admin.api(f"STREAM.INFO.{stream}"))["state"]
        assert isinstance(state, dict)
        return int(str(state["messages"]))


async def _next[T](items: AsyncIterator[T]) -> T:
    async with asyncio.timeout(10):
        return await anext(items)
