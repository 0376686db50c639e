"""NetBox's change log, followed: catches up what a lost webhook would have told, and hears what people ask by a status.

Theory of operation. Ids of the log are given out before their transaction commits, so a row with a smaller id may appear
later (126 were missed by a plain cursor in one trial). Each poll therefore reads again a window of ``overlap`` ids behind
the cursor and leaves out the rows that it has seen. The cursor moves after the devices were looked at, so a crash repeats
a look, which is harmless.

A person who sets the start status on a node whose newest run failed asks for ``retry``, on an accepted one for ``reimage``.
That is a command, and a command sent twice wipes twice. So the ask is first stored with the cursor, together with the
newest run at that moment (``after``), then published, then taken off: a crash publishes it again with the same ``after``,
and the engine refuses the second because the run has changed. Several nodes that one request set are one command.
"""

import json
import logging
from dataclasses import dataclass

from inventory_sync.api import Row
from inventory_sync.edits import set_start
from inventory_sync.fanout import RELEVANT, Touched, batches, touched
from inventory_sync.settings import SyncSettings
from inventory_sync.sync import Sync
from workflows.model.command import Verb
from workflows.model.desired import Desired, Intent
from workflows.model.keys import Cause, NodeKey, Site, site_of
from workflows.model.record import Record
from workflows.model.status import NodeState, NodeStatus

log = logging.getLogger(__name__)

CURSOR = "cursor.netbox"
_PAGE = 500
_LIGHT = "id,action,changed_object_type,changed_object_id,user_name,request_id"


class Ask(Record):
    """What a person asked for by a status. ``change`` is the row's id, ``request`` NetBox's, which several rows may share;
    ``after`` is the node's newest run then, and ``again`` the verb that asks for the same of several nodes at once.
    """

    change: int
    request: str
    node: NodeKey
    verb: Verb
    again: Verb
    person: str
    after: Cause


class Cursor(Record):
    """How far the log was read: the largest id, the ids seen in the window behind it, and asks not yet published."""

    last: int
    seen: tuple[int, ...] = ()
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """Follows the log of one NetBox for one site."""

    sync: Sync

    async def poll(self) -> int:
        """Take all that is new, once; returns the number of rows that were.

        Raises:
            Unreachable: NetBox or the store; the next poll begins where this one did.
            Refused: NetBox refused our token.
            Conflict: another process moved the cursor: it has taken the rows.
        """
        cursor, seq = await self._cursor()
        if cursor is None:
            await self._save(await self._start(), seq)
            return 0
        await self._publish(cursor.asks)
        if await self._newest() < cursor.last:
            log.warning("NetBox's change log is behind our cursor: it was restored; looking at everything")
            await self.sync.look_at(Touched(everything=True))
            await self._save(await self._start(), seq)
            return 0
        return await self._catch_up(cursor, seq)

    async def _catch_up(self, cursor: Cursor, seq: int) -> int:
        overlap, total = self.sync.settings.overlap, 0
        at = max(0, cursor.last - overlap)
        while True:
            page = await self.sync.api.page("core/object-changes", _PAGE, id__gt=at, ordering="id", fields=_LIGHT)
            seen = set(cursor.seen)
            new = [row for row in page if row["id"] not in seen]
            details = await self._details([r["id"] for r in new if r["changed_object_type"] in RELEVANT])
            await self.sync.look_at(_touched(details))
            asks = await self._asks(details)
            last = max([cursor.last, *(row["id"] for row in new)])
            window = sorted(n for n in seen | {row["id"] for row in new} if n > last - overlap)
            if new or cursor.asks:
                cursor = Cursor(last=last, seen=tuple(window), asks=tuple(asks))
                seq = await self._save(cursor, seq)
            if asks:
                await self._publish(cursor.asks)
                cursor = cursor.model_copy(update={"asks": ()})
                seq = await self._save(cursor, seq)
            total += len(new)
            if len(page) < _PAGE:
                return total
            at = page[-1]["id"]

    async def _details(self, ids: list[int]) -> list[Row]:
        fields = f"{_LIGHT},prechange_data,postchange_data"
        found = [
            row
            for batch in batches(ids)
            for row in await self.sync.api.rows("core/object-changes", id=batch, fields=fields)
        ]
        return sorted(found, key=lambda row: int(row["id"]))

    async def _asks(self, details: list[Row]) -> list[Ask]:
        """The commands that people gave by setting the start status; the newest a node counts."""
        asks: dict[NodeKey, Ask] = {}
        for row in details:
            if not was_set_again(row, self.sync.settings):
                continue
            for value in await self.sync.store.list(f"status.*.nb-{row['changed_object_id']}"):
                status = NodeStatus.decode(value.data or b"{}")
                desired = await self.sync.store.get(f"desired.{status.node}")
                if desired.data is None or Desired.decode(desired.data).intent is not Intent.SERVE:
                    continue
                verb = verb_of(status)
                if verb is not None and status.cause is not None:
                    who = str(row["user_name"])
                    asks[status.node] = Ask(
                        change=row["id"],
                        request=row["request_id"],
                        node=status.node,
                        verb=verb,
                        again=Verb.REIMAGE if status.accepted_run else Verb.PROVISION,
                        person=who,
                        after=status.cause,
                    )
        return list(asks.values())

    async def _publish(self, asks: tuple[Ask, ...]) -> None:
        """One command a request, verb and site: a bulk edit that asks to wipe many nodes is one campaign.

        One that asks for a single node names the run that was seen; of several, a second one finds them on the list of the
        first, and waits for approval anyway.
        """
        settings = self.sync.settings
        groups: dict[tuple[str, Verb, Site], list[Ask]] = {}
        for ask in asks:
            groups.setdefault((ask.request, ask.again, site_of(ask.node)), []).append(ask)
        for (_, again, site), group in groups.items():
            first, several = group[0], len(group) > 1
            body = {
                "select": ",".join(ask.node for ask in group),
                "reason": f"{first.person} set {settings.start_status} in NetBox",
                "for": first.person,
            } | ({} if several else {"after": first.after})
            verb = again if several else first.verb
            await self.sync.bus.publish(
                f"command.{settings.sender}.{verb}.{site}",
                json.dumps(body).encode(),
                dedupe=f"netbox-change-{first.change}",
            )
            log.info("a person's status became a command", extra={"node": body["select"], "verb": verb.value})

    async def _start(self) -> Cursor:
        """A cursor at the end of the log. What is older is the resync's; no old row is taken for a person's ask."""
        last, overlap = await self._newest(), self.sync.settings.overlap
        window = await self.sync.api.rows("core/object-changes", id__gt=max(0, last - overlap), fields="id")
        seen = sorted(int(row["id"]) for row in window)
        return Cursor(last=max([last, *seen]), seen=tuple(seen))

    async def _newest(self) -> int:
        rows = await self.sync.api.page("core/object-changes", 1, ordering="-id", fields="id")
        return int(rows[0]["id"]) if rows else 0

    async def _cursor(self) -> tuple[Cursor | None, int]:
        value = await self.sync.store.get(CURSOR)
        return (Cursor.decode(value.data) if value.data is not None else None), value.seq

    async def _save(self, cursor: Cursor, expect: int) -> int:
        return await self.sync.store.put(CURSOR, cursor.encode(), expect=expect)


def was_set_again(row: Row, settings: SyncSettings) -> bool:
    """Whether a row says that somebody else than we moved a device to the start status."""
    return row["action"]["value"] == "update" and set_start(row, settings)


def verb_of(status: NodeStatus) -> Verb | None:
    """What the start status asks for, by how the node stands; None where a run is open or there never was one."""
    match status.state:
        case NodeState.FAILED:
            return Verb.RETRY
        case NodeState.IN_SERVICE:
            return Verb.REIMAGE
        case _:
            return None


def _touched(details: list[Row]) -> Touched:
    found = Touched()
    for row in details:
        states = (row["prechange_data"], row["postchange_data"])
        found |= touched(row["changed_object_type"], row["changed_object_id"], *states)
    return found
