"""Caps: above them a run waits before it touches its machine, says for what, and a person may let it pass."""

import asyncio
from datetime import timedelta

import pytest

from lab.memory.clock import VirtualClock
from lab.memory.store import MemoryStore
from tests.workflows.fleet import SERVING, Fleet
from tests.workflows.samples import desired
from workflows.engine.caps import Caps, Limit
from workflows.engine.ports import Power, Value
from workflows.model.cap import Cap, Slot
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

NEW = [desired(f"gpu-{n:03d}") for n in range(1, 5)]


def capped(**caps: int) -> SiteSettings:
    return SERVING.model_copy(update=caps)


async def slots(fleet: Fleet, key: str) -> list[str]:
    cap = Cap.decode((await fleet.store.get(key)).data or b"{}")
    return [s.holder for s in cap.slots]


async def test_new_nodes_above_the_hourly_cap_wait_untouched_and_go_on_when_the_hour_is_over() -> None:
    async with Fleet(0, capped(new_per_hour=2), wishes=NEW) as fleet:
        await fleet.clock.advance(timedelta(minutes=5))
        assert fleet.wiped() == [1, 2]
        waits = await fleet.status(3)
        assert (waits.state, fleet.worlds["lab.nb-3"].writes) == (NodeState.WAITING, 0)
        assert "2 is the cap (cap.lab.new-hour), held by lab.nb-1, lab.nb-2" in waits.reason
        assert "bringup approve gpu-003" in waits.next_action
        assert waits.deadline is not None
        await fleet.clock.advance(timedelta(hours=1))
        assert fleet.wiped() == [1, 2, 3, 4]


async def test_a_person_lets_one_run_pass_and_not_the_next() -> None:
    async with Fleet(0, capped(new_per_hour=2), wishes=NEW) as fleet:
        await fleet.clock.advance(timedelta(minutes=5))
        assert (await fleet.command("approve", "gpu-004", "bob")).accepted
        await fleet.clock.advance(timedelta(minutes=5))
        assert fleet.wiped() == [1, 2, 4]
        assert not (await fleet.command("approve", "gpu-004", "bob")).accepted
        assert (await fleet.status(3)).state is NodeState.WAITING
        assert len(await slots(fleet, "cap.lab.new-hour")) == 3, "the one that was let pass counts too"


async def test_denied_while_it_waits_it_ends_untouched() -> None:
    async with Fleet(0, capped(new_per_hour=2), wishes=NEW) as fleet:
        await fleet.clock.advance(timedelta(minutes=5))
        assert (await fleet.command("deny", "gpu-003", "bob")).accepted
        await fleet.clock.advance(timedelta(minutes=5))
        status = await fleet.status(3)
        assert (status.state, status.outcome, fleet.worlds["lab.nb-3"].writes) == (NodeState.IDLE, "denied", 0)


async def test_of_one_rack_only_so_many_nodes_are_out_at_once_and_the_others_serve_meanwhile() -> None:
    async with Fleet(4, capped(rack_at_once=1, wipes_per_hour=3)) as fleet:
        fleet.worlds["lab.nb-1"].reports = False
        for number in (1, 2):
            await fleet.command("reimage", f"gpu-00{number}")
            await fleet.clock.advance(timedelta(seconds=10))
            assert (await fleet.command("approve", f"gpu-00{number}", "bob")).accepted
            await fleet.clock.advance(timedelta(seconds=10))
        assert await slots(fleet, "cap.lab.rack-r12") == ["lab.nb-1.c101"]
        waits = await fleet.status(2)
        assert "nodes of rack R12 out at once: 1 is the cap (cap.lab.rack-r12), held by lab.nb-1" in waits.reason
        assert (fleet.worlds["lab.nb-2"].writes, await slots(fleet, "cap.lab.again-hour")) == (0, ["lab.nb-1.c101"])
        await fleet.report(1)
        await fleet.clock.advance(timedelta(minutes=10))
        assert fleet.wiped() == [1, 2]
        assert await slots(fleet, "cap.lab.rack-r12") == []


async def test_no_place_is_kept_of_one_cap_while_another_is_full() -> None:
    async with Fleet(2, capped(wipes_per_hour=0)) as fleet:
        await fleet.command("reimage", "gpu-001")
        await fleet.clock.advance(timedelta(seconds=10))
        await fleet.command("approve", "gpu-001", "bob")
        await fleet.clock.advance(timedelta(minutes=5))
        assert "0 is the cap (cap.lab.again-hour)" in (await fleet.status(1)).reason
        assert await slots(fleet, "cap.lab.rack-r12") == []


async def test_a_place_of_a_run_that_is_over_is_nobodys() -> None:
    async with Fleet(1) as fleet:
        limit = Limit("cap.lab.rack-r12", "nodes", 1, "lab.nb-1.c9")
        dead = Cap(slots=(Slot(holder="lab.nb-7.c3"),))
        await fleet.store.put(limit.key, dead.encode(), expect=0)
        assert await Caps(fleet.store).take((limit,), fleet.clock.now()) is None
        assert await slots(fleet, limit.key) == ["lab.nb-1.c9"]


class _FarStore(MemoryStore):
    """Others run while it answers, as with a store behind a network."""

    def __init__(self) -> None:
        super().__init__(VirtualClock())
        self.writes = 0

    async def get(self, key: str) -> Value:
        await asyncio.sleep(0)
        return await super().get(key)

    async def put(self, key: str, data: bytes, *, expect: int, ttl: timedelta | None = None) -> int:
        self.writes += 1
        await asyncio.sleep(0)
        return await super().put(key, data, expect=expect, ttl=ttl)


async def test_runs_of_one_worker_take_and_give_back_in_turns_and_those_of_two_by_compare_and_set() -> None:
    store = _FarStore()
    one, other = Caps(store), Caps(store)
    limits = [Limit("cap.lab", "machines", 20, f"lab.nb-{n}.c9") for n in range(20)]
    now = await store.now()
    assert await asyncio.gather(*(one.take((limit,), now) for limit in limits)) == [None] * 20
    await asyncio.gather(*(one.give_back(limit) for limit in limits))
    assert store.writes == 40, "nobody of the same worker met a conflict"
    taken = await asyncio.gather(*(caps.take((limit,), now) for caps in (one, other) for limit in limits))
    assert taken == [None] * 40
    assert len(Cap.decode((await store.get("cap.lab")).data or b"").slots) == 20


async def test_machines_are_switched_on_one_after_the_other_where_the_site_says_so() -> None:
    async with Fleet(0, capped(power_on_per_minute=1), wishes=NEW) as fleet:
        for minute in range(4):
            await fleet.clock.advance(timedelta(seconds=30))
            assert sum(world.boots > 0 for world in fleet.worlds.values()) == minute + 1
            await fleet.clock.advance(timedelta(seconds=30))
        await fleet.clock.advance(timedelta(minutes=1))
        assert sorted(fleet.wiped()) == [1, 2, 3, 4]
        for number in range(1, 5):
            status = await fleet.status(number)
            assert (status.state, {t.attempts for t in status.timings}) == (NodeState.IN_SERVICE, {1})


async def test_after_an_outage_machines_come_back_one_after_the_other_too() -> None:
    """NATS was away as well, so all of them are due at once."""
    async with Fleet(0, capped(power_on_per_minute=1), wishes=NEW[:3]) as fleet:
        for world in fleet.worlds.values():
            world.reports = False
        await fleet.clock.advance(timedelta(minutes=3))
        assert sorted(fleet.wiped()) == [1, 2, 3]
        for world in fleet.worlds.values():
            world.pull_the_plug()
            world.reports = True
        fleet.store.down = True
        await fleet.clock.advance(timedelta(minutes=10))
        fleet.store.down = False
        seen = []
        for _ in range(60):
            await fleet.clock.advance(timedelta(seconds=10))
            seen.append(sum(world.power is Power.ON for world in fleet.worlds.values()))
        assert seen[-1] == 3
        assert min(seen.count(1), seen.count(2)) >= 5, f"a minute lies between two of them: {seen}"
        assert sorted(fleet.wiped()) == [1, 1, 2, 2, 3, 3]
