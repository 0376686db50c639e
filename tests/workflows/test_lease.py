"""Law 2: a holder stops by its own clock, before the store says so."""

from datetime import timedelta

import pytest

from lab.memory.clock import VirtualClock
from lab.memory.store import MemoryStore
from workflows.engine.lease import TTL, Lease
from workflows.model.errors import Fenced, Unreachable

pytestmark = pytest.mark.fast


class ForgetfulClock(VirtualClock):
    """The store's own expiry is late: nothing but the holder's clock says that the lease is over."""

    def call_at(self, when: object, call: object) -> None:
        """Never."""


async def held() -> tuple[Lease, MemoryStore, ForgetfulClock]:
    clock = ForgetfulClock()
    store = MemoryStore(clock)
    lease = await Lease.acquire(store, clock, "lab.nb-1", "w1")
    assert lease is not None
    return lease, store, clock


async def test_past_its_time_a_holder_writes_nothing_although_the_store_would_take_it() -> None:
    lease, store, clock = await held()
    await lease.append("status.lab.nb-1", b"1")
    await clock.advance(TTL)
    with pytest.raises(Fenced):
        await lease.append("status.lab.nb-1", b"2")
    assert (await store.get("status.lab.nb-1")).data == b"1"


async def test_a_renewal_without_an_answer_prolongs_nothing() -> None:
    lease, store, clock = await held()
    await clock.advance(TTL - timedelta(seconds=1))
    store.down = True
    with pytest.raises(Unreachable):
        await lease.renew()
    store.down = False
    await clock.advance(timedelta(seconds=1))
    assert not lease.outlasts(timedelta(0))
    with pytest.raises(Fenced):
        await lease.append("status.lab.nb-1", b"2")


async def test_a_lease_that_somebody_holds_is_not_taken() -> None:
    _, store, clock = await held()
    assert await Lease.acquire(store, clock, "lab.nb-1", "w2") is None
