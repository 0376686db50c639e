"""What the engine relies on in a store, whichever it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import pytest

from tests.contract.conftest import Backend
from workflows.engine.ports import Guard, Value
from workflows.model.errors import BadInput, Conflict, Fenced

LEASE = "lease.lab.nb-1"
JOURNAL = "journal.lab.nb-1.g1"
SECOND = timedelta(seconds=1)


async def test_a_key_that_never_was_has_sequence_0(backend: Backend) -> None:
    value = await backend.store.get("desired.lab.nb-1")
    assert (value.key, value.data, value.seq) == ("desired.lab.nb-1", None, 0)


async def test_compare_and_set_lets_one_of_many_writers_through(any_backend: Backend) -> None:
    store = any_backend.store
    seq = await store.put("cap.lab", b"0", expect=0)

    async def write(number: int) -> bool:
        try:
            await store.put("cap.lab", b"%d" % number, expect=seq)
        except Conflict:
            return False
        return True

    won = await asyncio.gather(*(write(n) for n in range(1, 21)))
    assert won.count(True) == 1
    value = await store.get("cap.lab")
    assert value.data == b"%d" % (won.index(True) + 1)
    with pytest.raises(Conflict):
        await store.put("cap.lab", b"late", expect=seq)


async def test_a_run_is_created_once(any_backend: Backend) -> None:
    await any_backend.store.put("run.lab.nb-1.g1", b"first", expect=0)
    with pytest.raises(Conflict):
        await any_backend.store.put("run.lab.nb-1.g1", b"second", expect=0)


async def test_the_value_says_when_it_was_written(backend: Backend) -> None:
    before = await backend.store.now()
    seq = await backend.store.put("status.lab.nb-1", b"s", expect=0)
    value = await backend.store.get("status.lab.nb-1")
    listed = await backend.store.list("status.lab.*")
    assert value == listed[0] == Value("status.lab.nb-1", b"s", seq, value.time)
    assert before <= value.time <= await backend.store.now()


async def test_an_empty_record_is_not_a_deleted_one(backend: Backend) -> None:
    await backend.store.put("status.lab.nb-1", b"", expect=0)
    assert (await backend.store.get("status.lab.nb-1")).data == b""
    assert [v.data for v in await backend.store.list("status.>")] == [b""]


async def test_a_stale_holder_writes_nothing(any_backend: Backend) -> None:
    """Law 2. Every attempt of the old holder is refused by the store itself; the new one's all land."""
    store = any_backend.store
    old = await store.put(LEASE, b"old", expect=0)
    await store.append(f"{JOURNAL}.{old}.0", b"claimed", guard=Guard(LEASE, old))
    new = await store.put(LEASE, b"new", expect=old)

    async def stale(number: int) -> bool:
        try:
            await store.append(f"{JOURNAL}.{old}.{number}", b"zombie", guard=Guard(LEASE, old))
        except Fenced:
            return True
        return False

    refused = await asyncio.gather(*(stale(n) for n in range(1, 21)))
    assert refused.count(True) == 20
    await store.append(f"{JOURNAL}.{new}.0", b"claimed", guard=Guard(LEASE, new))
    assert [v.data for v in await store.list(f"{JOURNAL}.>")] == [b"claimed", b"claimed"]


async def test_a_holder_whose_lease_ran_out_or_was_given_back_writes_nothing(backend: Backend) -> None:
    store = backend.store
    seq = await store.put(LEASE, b"w1", expect=0, ttl=SECOND)
    marker = await backend.gone(LEASE)
    with pytest.raises(Fenced):
        await store.append(f"{JOURNAL}.{seq}.0", b"late", guard=Guard(LEASE, seq))
    again = await store.put(LEASE, b"w1", expect=marker)
    await store.delete(LEASE, expect=again)
    with pytest.raises(Fenced):
        await store.append(f"{JOURNAL}.{again}.0", b"late", guard=Guard(LEASE, again))
    assert await store.list(f"{JOURNAL}.>") == []


async def test_many_appends_at_once_under_one_lease_all_land(any_backend: Backend) -> None:
    """Three replicas refuse guarded writes that are under way together; nobody above the store may notice."""
    store = any_backend.store
    guard = Guard(LEASE, await store.put(LEASE, b"w", expect=0))
    await asyncio.gather(*(store.append(f"{JOURNAL}.{guard.seq}.{n}", b"%d" % n, guard=guard) for n in range(30)))
    assert len(await store.list(f"{JOURNAL}.>")) == 30


async def test_a_guard_of_0_is_never_sent(backend: Backend) -> None:
    """A server accepts it where no lease exists, so it is a defect of the caller."""
    with pytest.raises(AssertionError):
        await backend.store.append(f"{JOURNAL}.1.0", b"x", guard=Guard(LEASE, 0))
    assert await backend.store.list(f"{JOURNAL}.>") == []


async def test_the_same_append_twice_is_one_entry(backend: Backend) -> None:
    """What a lost acknowledgement leads to: the very same publish again."""
    guard = Guard(LEASE, await backend.store.put(LEASE, b"w", expect=0))
    for _ in range(2):
        await backend.store.append(f"{JOURNAL}.{guard.seq}.0", b"claimed", guard=guard)
    assert [v.data for v in await backend.store.list(f"{JOURNAL}.>")] == [b"claimed"]


async def test_after_an_expiry_the_next_holder_creates_from_the_marker(any_backend: Backend) -> None:
    store = any_backend.store
    first = await store.put(LEASE, b"w1", expect=0, ttl=SECOND)
    assert (await store.get(LEASE)).data == b"w1"
    marker = await any_backend.gone(LEASE)
    assert marker > first
    assert await store.list("lease.>") == []
    for wrong in (0, first):
        with pytest.raises(Conflict):
            await store.put(LEASE, b"w2", expect=wrong)
    assert await store.put(LEASE, b"w2", expect=marker) > marker


async def test_a_renewal_prolongs(backend: Backend) -> None:
    store = backend.store
    seq = await store.put(LEASE, b"w", expect=0, ttl=2 * SECOND)
    for _ in range(3):
        await backend.wait(SECOND)
        seq = await store.put(LEASE, b"w", expect=seq, ttl=2 * SECOND)
    assert (await store.get(LEASE)).seq == seq


async def test_a_record_without_ttl_over_one_with_stays(backend: Backend) -> None:
    seq = await backend.store.put("cap.lab", b"a", expect=0, ttl=SECOND)
    await backend.store.put("cap.lab", b"b", expect=seq)
    await backend.wait(2.5 * SECOND)
    assert (await backend.store.get("cap.lab")).data == b"b"


async def test_after_a_delete_the_next_create_starts_from_the_marker(any_backend: Backend) -> None:
    store = any_backend.store
    seq = await store.put(LEASE, b"w1", expect=0)
    with pytest.raises(Conflict):
        await store.delete(LEASE, expect=seq + 1)
    await store.delete(LEASE, expect=seq)
    value = await store.get(LEASE)
    assert value.data is None
    assert value.seq > seq
    assert await store.list("lease.>") == []
    await store.put(LEASE, b"w2", expect=value.seq)


async def test_list_is_in_the_order_of_writing_and_only_what_matches(any_backend: Backend) -> None:
    store = any_backend.store
    guard = Guard(LEASE, await store.put(LEASE, b"w", expect=0))
    order = [7, 3, 10, 1, 2]
    for number in order:
        await store.append(f"{JOURNAL}.{guard.seq}.{number}", b"%d" % number, guard=guard)
    await store.append("journal.lab.nb-1.g12.5.0", b"another run", guard=guard)
    await store.append("journal.lab.nb-12.g1.5.0", b"another node", guard=guard)
    found = await store.list(f"{JOURNAL}.>")
    assert [int(v.data or b"") for v in found] == order
    assert [v.seq for v in found] == sorted(v.seq for v in found)
    assert await store.list("journal.lab.nb-1") == []
    assert [v.key for v in await store.list("journal.lab.*.g12.*.*")] == ["journal.lab.nb-1.g12.5.0"]


async def test_list_of_more_keys_than_one_answer_holds(backend: Backend) -> None:
    """A direct read ends at 1,024 keys; a site has more nodes than that."""
    await asyncio.gather(*(backend.store.put(f"status.lab.nb-{n}", b"%d" % n, expect=0) for n in range(1500)))
    gone = await backend.store.get("status.lab.nb-7")
    await backend.store.delete(gone.key, expect=gone.seq)
    found = await backend.store.list("status.lab.*")
    assert len(found) == 1499
    assert [v.seq for v in found] == sorted(v.seq for v in found)


async def test_watch_shows_what_is_and_then_each_change(any_backend: Backend) -> None:
    store = any_backend.store
    await store.put("desired.lab.nb-1", b"d1", expect=0)
    old = await store.put("status.lab.nb-9", b"x", expect=0)
    await store.delete("status.lab.nb-9", expect=old)
    await store.put("grant.lab.nb-1.g1.0", b"not watched", expect=0)
    async with aclosing(store.watch("desired.>", "status.>", "lease.>")) as changes:
        assert (await _next(changes)).data == b"d1"
        seq = await store.put("status.lab.nb-1", b"s1", expect=0)
        assert await _next(changes) == await store.get("status.lab.nb-1")
        await store.delete("status.lab.nb-1", expect=seq)
        value = await _next(changes)
        assert (value.key, value.data) == ("status.lab.nb-1", None)
        await store.put(LEASE, b"w", expect=0, ttl=SECOND)
        assert (await _next(changes)).data == b"w"
        marker = await any_backend.gone(LEASE)
        value = await _next(changes)
        assert (value.key, value.data, value.seq) == (LEASE, None, marker)


async def test_watching_nothing_yet_then_something(backend: Backend) -> None:
    async with aclosing(backend.store.watch("outcome.5")) as changes:
        waiting = asyncio.ensure_future(_next(changes))
        await backend.wait(timedelta(seconds=0.2))
        await backend.store.put("outcome.5", b"done", expect=0)
        assert (await waiting).data == b"done"


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=0.5)])
async def test_a_record_that_would_live_less_than_a_second_is_refused(backend: Backend, ttl: timedelta) -> None:
    with pytest.raises(BadInput):
        await backend.store.put(LEASE, b"w", expect=0, ttl=ttl)


async def _next(changes: AsyncIterator[Value]) -> Value:
    async with asyncio.timeout(10):
        return await anext(changes)
