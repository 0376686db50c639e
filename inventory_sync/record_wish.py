"""Stores a projection as the desired state of its node: a new generation only if it asks for something else.

Theory of operation. Several processes may do this for one node at once, and NetBox may change between their reads. So
the order is: read the stored record and its sequence, *then* read the source, project, and write by compare-and-set on
that sequence. Whoever wrote in between makes the write fail with ``Conflict``, and all is read again. No timestamp is
compared, so a restored NetBox or a late webhook can't put an older wish over a newer one.
"""

from dataclasses import dataclass

from workflows.engine.ports import Bus, Store
from workflows.model.desired import Desired
from workflows.model.keys import NodeKey


@dataclass(frozen=True, slots=True)
class Stored:
    """Desired state as the store had it: ``seq`` guards the next write; ``desired`` is None where there was none."""

    key: str
    seq: int
    desired: Desired | None


async def stored(store: Store, node: NodeKey) -> Stored:
    """Read it. Raises Unreachable."""
    value = await store.get(f"desired.{node}")
    return Stored(value.key, value.seq, Desired.decode(value.data) if value.data is not None else None)


def beside(wish: Desired, last: Desired | None) -> Desired:
    """A fresh projection with the stored generation, and the stored problems too: only the sync knows of twins."""
    if last is None:
        return wish
    more = tuple(p for p in last.problems if p not in wish.problems)
    return wish.model_copy(update={"generation": last.generation, "problems": wish.problems + more})


async def record_wish(store: Store, bus: Bus, before: Stored, wish: Desired) -> Desired | None:
    """Write ``wish`` over what was read ``before`` its source was, and wake the node; None where they are equal.

    A status that only moved within its class is stored, but is no new generation.

    Raises:
        Conflict: somebody wrote in between: read both again.
        Unreachable: no answer; it may or may not have been written. Doing all of it again is harmless.
    """
    last = before.desired
    if last is None:
        new = wish.model_copy(update={"generation": 1})
    elif last.same_wish(wish):
        new = wish.model_copy(update={"generation": last.generation})
        if new == last:
            return None
    else:
        new = wish.model_copy(update={"generation": last.generation + 1})
    await store.put(before.key, new.encode(), expect=before.seq)
    await bus.wake(new.node)
    return new
