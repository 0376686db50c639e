"""The store's epoch: made once with a new store, made anew when a person says that it was restored (``model/epoch.py``)."""

import secrets

from workflows.engine.ports import Clock, Store
from workflows.model.epoch import EPOCH_KEY, Epoch
from workflows.model.errors import Conflict
from workflows.model.grant import Grant, GrantState
from workflows.model.keys import Site


async def make_epoch(store: Store, clock: Clock) -> None:
    """Give a new store its epoch; one that has one keeps it."""
    value = await store.get(EPOCH_KEY)
    if value.data is not None:
        return
    try:
        await store.put(EPOCH_KEY, Epoch(id=_new_id(), since=clock.now()).encode(), expect=value.seq)
    except Conflict:
        return


async def declare_restored(store: Store, clock: Clock) -> Epoch:
    """Give the store a new epoch.

    Raises:
        Conflict: somebody else does so at the same time.
    """
    value = await store.get(EPOCH_KEY)
    old = Epoch.decode(value.data) if value.data is not None else None
    before = (*old.before, old.id) if old is not None else ()
    epoch = Epoch(id=_new_id(), since=clock.now(), before=before)
    await store.put(EPOCH_KEY, epoch.encode(), expect=value.seq)
    return epoch


async def close_older_grants(store: Store, site: Site, epoch: Epoch) -> None:
    """Close every open grant that is older than the epoch: it was spent, or closed, in a life that the store forgot.

    For the boot service, before it answers anybody: it alone hands grants out.
    """
    for value in await store.list(f"grant.{site}.>"):
        grant = Grant.decode(value.data or b"")
        if grant.state is GrantState.OPEN and value.time < epoch.since:
            closed = grant.to(GrantState.CLOSED, reason="the store was restored")
            await store.put(value.key, closed.encode(), expect=value.seq)


def _new_id() -> str:
    return secrets.token_hex(8)
