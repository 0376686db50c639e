"""Virtual time: hours in no time, in order, and nothing left behind."""

import asyncio
from datetime import timedelta

import pytest

from lab.memory import MemoryStore, VirtualClock
from lab.memory.clock import START
from workflows.engine.ports import Guard
from workflows.model.errors import Unreachable

pytestmark = pytest.mark.fast

MINUTE = timedelta(minutes=1)


async def test_run_jumps_over_every_wait() -> None:
    clock = VirtualClock()

    async def install() -> str:
        for _ in range(60):
            await clock.sleep(MINUTE)
        return "done"

    assert await clock.run(install()) == "done"
    assert clock.now() == START + timedelta(hours=1)


async def test_what_a_timer_sets_off_happens_before_the_next_timer() -> None:
    clock, seen = VirtualClock(), list[str]()

    async def worker(name: str, wait: timedelta) -> None:
        await clock.sleep(wait)
        for _ in range(5):
            await asyncio.sleep(0)
        seen.append(f"{name} at {clock.now() - START}")

    async with asyncio.TaskGroup() as group:
        for number in (3, 1, 2):
            group.create_task(worker(f"w{number}", number * MINUTE))
        await clock.advance(2 * MINUTE)
        assert seen == ["w1 at 0:01:00", "w2 at 0:02:00"]
        await clock.advance(MINUTE)
    assert seen[2:] == ["w3 at 0:03:00"]


async def test_run_says_so_when_nothing_will_ever_happen() -> None:
    with pytest.raises(TimeoutError):
        await VirtualClock().run(asyncio.Event().wait())


async def test_a_cancelled_sleeper_is_no_obstacle() -> None:
    clock = VirtualClock()
    sleeper = asyncio.ensure_future(clock.sleep(MINUTE))
    await asyncio.sleep(0)
    sleeper.cancel()
    await clock.advance(2 * MINUTE)
    assert clock.now() == START + 2 * MINUTE


async def test_the_store_can_be_down_and_can_lose_answers() -> None:
    store = MemoryStore(VirtualClock())
    seq = await store.put("lease.lab.nb-1", b"w", expect=0)
    store.down = True
    with pytest.raises(Unreachable):
        await store.get("lease.lab.nb-1")
    store.down = False
    store.lose_answers = 2
    await store.append("journal.lab.nb-1.g1.1.0", b"claimed", guard=Guard("lease.lab.nb-1", seq))
    assert len(await store.list("journal.>")) == 1
    store.lose_answers = 1
    with pytest.raises(Unreachable):
        await store.put("cap.lab", b"1", expect=0)
    assert (await store.get("cap.lab")).data == b"1"
