"""Failure 21: a host knows the store that it saw; an older state of it, or another one, is refused with one sentence."""

from pathlib import Path

import pytest

from app.witness import Witness
from lab.memory import MemoryStore, VirtualClock
from workflows.engine.epoch import declare_restored, make_epoch
from workflows.engine.ports import Store
from workflows.model.errors import Refused

pytestmark = pytest.mark.fast


class Host:
    """A host's clock and file; ``meet`` is what a service does when it starts."""

    def __init__(self, directory: Path):
        self.clock, self.file = VirtualClock(), directory / "data" / "store-worker.json"

    def witness(self, store: Store) -> Witness:
        return Witness(store, self.clock, self.file)

    async def meet(self, store: Store) -> Witness:
        witness = self.witness(store)
        await self.clock.run(witness.meet())
        return witness


@pytest.fixture
async def store() -> MemoryStore:
    """A store in its first epoch."""
    store = MemoryStore(VirtualClock())
    await make_epoch(store, VirtualClock())
    return store


def copy_of(store: MemoryStore) -> MemoryStore:
    """A backup: the same records."""
    copy = MemoryStore(VirtualClock())
    copy._records, copy._sequence = dict(store._records), store._sequence
    return copy


async def test_the_same_store_is_met_again_and_again(store: MemoryStore, tmp_path: Path) -> None:
    host = Host(tmp_path)
    for _ in range(3):
        witness = await host.meet(store)
        await witness.mark()


async def test_an_older_state_of_it_is_refused_also_by_a_service_that_runs(store: MemoryStore, tmp_path: Path) -> None:
    host = Host(tmp_path)
    witness = await host.meet(store)
    backup = copy_of(store)
    await witness.mark()
    with pytest.raises(Refused, match="forgotten"):
        await host.meet(backup)
    witness.store = backup
    with pytest.raises(Refused, match="--restored"):
        await host.clock.run(witness.mark())


async def test_a_person_who_says_that_it_was_restored_opens_it_and_ends_services_that_run(
    store: MemoryStore, tmp_path: Path
) -> None:
    host = Host(tmp_path)
    running = await host.meet(store)
    backup = copy_of(store)
    await running.mark()
    await declare_restored(backup, host.clock)
    running.store = backup
    with pytest.raises(Refused, match="new epoch"):
        await running.mark()
    await host.meet(backup)
    with pytest.raises(Refused, match="remembers"):
        await host.meet(store)


async def test_another_store_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    host, other = Host(tmp_path), MemoryStore(VirtualClock())
    await host.meet(store)
    await make_epoch(other, host.clock)
    with pytest.raises(Refused, match="another store"):
        await host.meet(other)


async def test_two_services_of_one_host_share_the_memory(store: MemoryStore, tmp_path: Path) -> None:
    host = Host(tmp_path)
    one, two = await host.meet(store), await host.meet(store)
    for witness in (one, two, two, one, one):
        await witness.mark()
    await host.meet(store)


async def test_a_memory_that_can_not_be_read_is_no_permission(store: MemoryStore, tmp_path: Path) -> None:
    host = Host(tmp_path)
    await host.meet(store)
    host.file.write_text("{")
    with pytest.raises(Refused, match="can't be read"):
        await host.meet(store)
