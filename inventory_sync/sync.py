"""Brings desired state in step with NetBox, for some devices or all, whatever the reason to look was.

Theory of operation. Hooks, the change log, the resync and a changed status of ours all come to the same: *look at these
devices*. Each look reads what is stored, then NetBox, projects, and compares (``record_wish`` tells the race). It is
level-triggered in both directions: the same read that yields the wish shows whether NetBox still shows an older outcome,
and write-back follows. Looking twice changes nothing, so nobody needs to know whether somebody looked already.

A lock lets one batch be looked at at a time in this process; a second process is kept right by compare-and-set alone.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from inventory_sync.api import NetBoxApi
from inventory_sync.edits import find_edits, kept
from inventory_sync.fanout import Touched, batches, resolve
from inventory_sync.profiles import Profiles
from inventory_sync.project import gone, is_served, node_key, pk_of, project
from inventory_sync.reader import AT_ONCE, DeviceRecord, read
from inventory_sync.record_wish import Stored, record_wish
from inventory_sync.settings import SyncSettings
from inventory_sync.twins import Known
from inventory_sync.write_back import learns_parts, write_back
from workflows.engine.ports import Bus, Evidence, Store
from workflows.model.desired import Desired, Edit
from workflows.model.errors import BadInput, Conflict, Refused
from workflows.model.hardware import HardwareReport
from workflows.model.status import NodeStatus

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sync:
    """One site's synchronisation. ``profiles`` may be replaced; look at everything afterwards."""

    api: NetBoxApi
    store: Store
    bus: Bus
    settings: SyncSettings
    profiles: Profiles
    evidence: Evidence
    known: Known = field(default_factory=Known)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self) -> set[int]:
        """Learn the identities of the stored nodes, so that twins are found from the first look on; returns their keys.

        Raises:
            Unreachable: the store gave no answer.
        """
        nodes = []
        for value in await self.store.list("desired.>"):
            if value.data is not None:
                nodes.append(Desired.decode(value.data))
                self.known.put(nodes[-1])
        return {pk for node in nodes if (pk := pk_of(node.node)) is not None}

    async def look_at(self, what: Touched) -> None:
        """Look at all devices that ``what`` touches, and at those that were found to be, or be no more, their twins.

        Raises:
            Unreachable: NetBox or the store; what was done stays done, and all of it may be done again.
            Refused: NetBox refused our token.
        """
        left = await resolve(self.api, what, self.settings)
        if what.everything:
            left |= await self.load()
        done: set[int] = set()
        while left:
            for batch in batches(left, AT_ONCE):
                done |= set(batch)
                left |= await self._look(batch) - done
            left -= done

    async def _look(self, pks: Iterable[int]) -> set[int]:
        """One batch, again and again for those that somebody else wrote meanwhile; returns devices to look at next."""
        left, others = list(pks), set[int]()
        async with self._lock:
            while left:
                before = {pk: await self._before(pk) for pk in left}
                records = await read(self.api, left)
                edits = await self._edits(records, before)
                conflicts = []
                wishes = {pk: await self._wishes(pk, records.get(pk), before[pk], edits.get(pk)) for pk in left}
                for pk in left:
                    others |= self._note(wishes[pk])
                for pk in left:
                    try:
                        await self._record(records.get(pk), before[pk], wishes[pk])
                    except Conflict:
                        conflicts.append(pk)
                left = conflicts
        return others

    async def _before(self, pk: int) -> list[Stored]:
        """All that is stored of a device: more than one where it has moved to another site."""
        values = await self.store.list(f"desired.*.nb-{pk}")
        return [Stored(v.key, v.seq, Desired.decode(v.data)) for v in values if v.data is not None]

    async def _edits(self, records: dict[int, DeviceRecord], before: dict[int, list[Stored]]) -> dict[int, Edit]:
        """Who set each device at the start status to it, with how many others: as known, else by the change log."""
        found, unknown = {}, []
        for pk, record in records.items():
            if record.device["status"]["value"] != self.settings.start_status:
                continue
            edit = kept(record.device, next((s.desired for s in before[pk] if s.desired), None), self.settings)
            if edit is not None:
                found[pk] = edit
            else:
                unknown.append(pk)
        return found | dict(await find_edits(self.api, unknown, self.settings))

    async def _wishes(
        self, pk: int, record: DeviceRecord | None, before: list[Stored], edit: Edit | None
    ) -> list[Desired]:
        """What to store of a device: its projection, and that it is gone from where it was.

        A record that can't be projected at all leaves what is stored as it is, and nobody else waits for it.
        """
        found = []
        if record is not None and is_served(record.device, self.settings):
            try:
                found.append(project(record, self.settings, self.profiles).model_copy(update={"edit": edit}))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                reason = f"device {pk} can't be projected, its last wish stays: {type(error).__name__}: {error}"
                log.error(reason)
                await self.bus.publish("dead.netbox", reason.encode())
                return []
        here = {d.node for d in found}
        why = "deleted" if record is None else "no longer served"
        return found + [gone(s.desired, why) for s in before if s.desired and s.desired.node not in here]

    def _note(self, wishes: list[Desired]) -> set[int]:
        nodes = {node for wish in wishes for node in self.known.put(wish)}
        return {pk for pk in map(pk_of, nodes) if pk is not None}

    async def _record(self, record: DeviceRecord | None, before: list[Stored], wishes: list[Desired]) -> None:
        """Store the wishes of one device and, where it is served, bring its outcome to NetBox."""
        by_key = {s.key: s for s in before}
        for wish in wishes:
            key = f"desired.{wish.node}"
            full = wish.model_copy(update={"problems": wish.problems + self.known.problems(wish)})
            new = await record_wish(self.store, self.bus, by_key.get(key, Stored(key, 0, None)), full)
            if new is not None:
                log.info("desired state stored", extra={"node": new.node, "generation": new.generation})
            if record is not None and is_served(record.device, self.settings):
                await self._write_back(record, full)

    async def _seen(self, status: NodeStatus) -> HardwareReport | None:
        """The machine as the run saw it; None where that isn't kept any more."""
        try:
            return HardwareReport.decode(await self.evidence.get(status.inventory))
        except Refused as error:
            log.warning("parts not written to NetBox: %s", error, extra={"node": status.node})
            return None

    async def _write_back(self, record: DeviceRecord, wish: Desired) -> None:
        if wish.node != node_key(record.device["site"]["slug"], record.device["id"]):
            return
        value = await self.store.get(f"status.{wish.node}")
        try:
            status = NodeStatus.decode(value.data) if value.data is not None else NodeStatus(node=wish.node)
            seen = await self._seen(status) if learns_parts(record.device, status, self.settings) else None
            await write_back(self.api, record, wish, status, self.settings, seen)
        except (Refused, BadInput) as error:
            log.warning("outcome not written to NetBox: %s", error, extra={"node": wish.node})
