"""The worker's half of a wipe grant: open, read, close. The boot service has the other half (take, report).

Every change is a compare-and-set on the grant's own key, so worker and boot service can't both win. A slot of the site's
cap is taken before a grant opens and given back when it ends; both are idempotent by the grant's key (``engine.caps``).
"""

from dataclasses import dataclass
from datetime import datetime

from workflows.engine.caps import Caps, Limit, limit_of_grant
from workflows.engine.ports import Clock, Store, Value
from workflows.model.errors import Conflict
from workflows.model.grant import Grant, GrantState, grant_name
from workflows.model.keys import Cause, NodeKey
from workflows.model.run import Run
from workflows.model.settings import SiteSettings

_ENDED = (GrantState.CLOSED, GrantState.REPORTED)


def grant_key(node: NodeKey, cause: Cause, attempt: int) -> str:
    """The key of one grant."""
    return f"grant.{grant_name(node, cause, attempt)}"


@dataclass(frozen=True, slots=True)
class Grants:
    """Grants of one run."""

    store: Store
    clock: Clock
    run: Run
    settings: SiteSettings
    caps: Caps

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
        if await self.caps.take((self._limit(attempt),), self.clock.now()) is not None:
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
                await self.give_back_slot(attempt)
                return GrantState.CLOSED
            grant = Grant.decode(value.data)
            if grant.state is GrantState.TAKEN:
                return grant.state
            if grant.state in _ENDED:
                await self.give_back_slot(attempt)
                return grant.state
            try:
                await self.store.put(key, grant.to(GrantState.CLOSED, reason=reason).encode(), expect=value.seq)
            except Conflict:
                continue

    async def holds_slot(self, attempt: int) -> bool:
        """Whether the grant holds a slot of the site's cap."""
        return await self.caps.holds(self._limit(attempt))

    async def give_back_slot(self, attempt: int) -> None:
        """Free the slot of a grant that stays *taken* because its machine never reported, once a person said so."""
        await self.caps.give_back(self._limit(attempt))

    def _limit(self, attempt: int) -> Limit:
        return limit_of_grant(self.run, grant_key(self.run.node, self.run.cause, attempt), self.settings)
