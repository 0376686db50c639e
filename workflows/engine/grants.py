"""The worker's half of a wipe grant: open, read, close. The boot service has the other half (take, report).

Every change is a compare-and-set on the grant's own key, so worker and boot service can't both win. A slot of the site's
cap is taken before a grant opens and given back when it ends; both are idempotent by the grant's key. A slot whose run
has finished is nobody's.
"""

from dataclasses import dataclass
from datetime import datetime

from workflows.engine.look import replay
from workflows.engine.ports import Store, Value
from workflows.model.errors import Conflict
from workflows.model.grant import Grant, GrantState
from workflows.model.journal import Phase
from workflows.model.keys import Cause, NodeKey, site_of
from workflows.model.record import Record
from workflows.model.run import Run

_ENDED = (GrantState.CLOSED, GrantState.REPORTED)


class Cap(Record):
    """``cap.<scope>``: the grants that hold a slot now."""

    holders: tuple[str, ...] = ()


def grant_key(node: NodeKey, cause: Cause, attempt: int) -> str:
    """The key of one grant."""
    return f"grant.{node}.{cause}.{attempt}"


@dataclass(frozen=True, slots=True)
class Grants:
    """Grants of one run."""

    store: Store
    run: Run
    limit: int

    async def all(self) -> list[tuple[Grant, Value]]:
        """All grants of this run, oldest first."""
        found = await self.store.list(f"grant.{self.run.node}.{self.run.cause}.*")
        return sorted(
            ((Grant.decode(v.data), v) for v in found if v.data is not None), key=lambda pair: pair[0].attempt
        )

    async def get(self, attempt: int) -> Grant | None:
        """One grant, None where it was never opened."""
        value = await self.store.get(grant_key(self.run.node, self.run.cause, attempt))
        return Grant.decode(value.data) if value.data is not None else None

    async def open(self, attempt: int, deadline: datetime) -> bool:
        """Open a grant for exactly this run's machine; opening it twice is harmless. False: the site's cap is full."""
        desired, profile = self.run.desired, self.run.desired.profile
        assert profile is not None
        assert desired.serial is not None
        key = grant_key(self.run.node, self.run.cause, attempt)
        if not await self._take_slot(key):
            return False
        grant = Grant(
            node=self.run.node,
            cause=self.run.cause,
            attempt=attempt,
            state=GrantState.OPEN,
            serial=desired.serial,
            uuid=desired.uuid,
            macs=desired.boot_macs(),
            hint=profile.sku.system_disk,
            image=profile.release.image,
            deadline=deadline,
        )
        try:
            await self.store.put(key, grant.encode(), expect=0)
        except Conflict:
            existing = await self.get(attempt)
            if existing is None or existing.state in _ENDED:
                raise
        return True

    async def close(self, attempt: int, reason: str) -> GrantState:
        """Close the grant if it is still open; returns the state that it has then. A taken one stays taken."""
        key = grant_key(self.run.node, self.run.cause, attempt)
        while True:
            value = await self.store.get(key)
            if value.data is None:
                await self._give_back(key)
                return GrantState.CLOSED
            grant = Grant.decode(value.data)
            if grant.state is GrantState.TAKEN:
                return grant.state
            if grant.state in _ENDED:
                await self._give_back(key)
                return grant.state
            try:
                await self.store.put(key, grant.to(GrantState.CLOSED, reason=reason).encode(), expect=value.seq)
            except Conflict:
                continue

    async def holds_slot(self, attempt: int) -> bool:
        """Whether the grant holds a slot of the site's cap."""
        cap, _ = await self._cap()
        return grant_key(self.run.node, self.run.cause, attempt) in cap.holders

    async def give_back_slot(self, attempt: int) -> None:
        """Free the slot of a grant that stays *taken* because its machine never reported, once a person said so."""
        await self._give_back(grant_key(self.run.node, self.run.cause, attempt))

    async def _take_slot(self, holder: str) -> bool:
        while True:
            cap, value = await self._cap()
            if holder in cap.holders:
                return True
            if len(cap.holders) >= self.limit:
                living = [each for each in cap.holders if not await self._over(each)]
                if len(living) >= self.limit:
                    return False
                cap = Cap(holders=tuple(living))
            if await self._write_cap(Cap(holders=(*cap.holders, holder)), value):
                return True

    async def _over(self, holder: str) -> bool:
        """Whether the run that holds a slot has finished: a worker that was overtaken took it too late to give it back."""
        _, site, name, cause, _ = holder.split(".")
        value = await self.store.get(f"run.{site}.{name}.{cause}")
        return value.data is None or (await replay(self.store, Run.decode(value.data))).phase is Phase.FINISHED

    async def _give_back(self, holder: str) -> None:
        while True:
            cap, value = await self._cap()
            if holder not in cap.holders:
                return
            if await self._write_cap(Cap(holders=tuple(h for h in cap.holders if h != holder)), value):
                return

    async def _cap(self) -> tuple[Cap, Value]:
        value = await self.store.get(f"cap.{site_of(self.run.node)}")
        return (Cap.decode(value.data) if value.data is not None else Cap()), value

    async def _write_cap(self, cap: Cap, value: Value) -> bool:
        try:
            await self.store.put(value.key, cap.encode(), expect=value.seq)
        except Conflict:
            return False
        return True
