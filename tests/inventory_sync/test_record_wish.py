"""Generations: one rises when the wish changes and only then, and of two writers the one with the older read loses."""

import pytest

from inventory_sync.project import project
from inventory_sync.record_wish import beside, record_wish, stored
from lab.memory.bus import MemoryBus
from lab.memory.store import MemoryStore
from tests.inventory_sync.rows import PROFILES, SETTINGS, device, record
from workflows.model.desired import Desired
from workflows.model.errors import Conflict

pytestmark = pytest.mark.fast


def wish(status: str = "staged", **changes: object) -> Desired:
    return project(record(device(status={"value": status}, **changes)), SETTINGS, PROFILES)


async def test_the_first_wish_is_generation_1_and_wakes() -> None:
    store, bus = MemoryStore(), MemoryBus()
    new = await record_wish(store, bus, await stored(store, "lab.nb-17"), wish())
    assert new is not None
    assert new.generation == 1
    assert await anext(aiter(bus.wakes())) == "lab.nb-17"


async def test_the_same_wish_writes_nothing() -> None:
    store, bus = MemoryStore(), MemoryBus()
    await record_wish(store, bus, await stored(store, "lab.nb-17"), wish())
    before = await stored(store, "lab.nb-17")
    assert await record_wish(store, bus, before, wish()) is None
    assert (await stored(store, "lab.nb-17")).seq == before.seq


async def test_a_status_within_its_class_is_stored_without_a_generation() -> None:
    store, bus = MemoryStore(), MemoryBus()
    await record_wish(store, bus, await stored(store, "lab.nb-17"), wish("staged"))
    new = await record_wish(store, bus, await stored(store, "lab.nb-17"), wish("active"))
    assert new is not None
    assert (new.status, new.generation) == ("active", 1)


async def test_another_class_is_another_generation() -> None:
    store, bus = MemoryStore(), MemoryBus()
    await record_wish(store, bus, await stored(store, "lab.nb-17"), wish("staged"))
    new = await record_wish(store, bus, await stored(store, "lab.nb-17"), wish("decommissioning"))
    assert new is not None
    assert new.generation == 2


async def test_who_read_before_another_wrote_loses() -> None:
    store, bus = MemoryStore(), MemoryBus()
    early = await stored(store, "lab.nb-17")
    await record_wish(store, bus, await stored(store, "lab.nb-17"), wish(serial="NEW"))
    with pytest.raises(Conflict):
        await record_wish(store, bus, early, wish(serial="OLD"))
    last = (await stored(store, "lab.nb-17")).desired
    assert last is not None
    assert last.serial == "NEW"


def test_stored_problems_count_in_a_fresh_projection() -> None:
    last = wish().model_copy(update={"generation": 4, "problems": ("gpu-002 (lab.nb-18) has the same serial",)})
    fresh = beside(wish(), last)
    assert (fresh.generation, fresh.problems) == (4, last.problems)
