"""NetBox as ``ports.Inventory``: the second look right before a destructive act, past everything that was stored."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from inventory_sync.api import NetBoxApi
from inventory_sync.profiles import Profiles
from inventory_sync.project import is_served, node_key, pk_of, project
from inventory_sync.reader import read
from inventory_sync.record_wish import beside, stored
from inventory_sync.settings import SyncSettings
from workflows.engine.ports import Store
from workflows.model.desired import Desired
from workflows.model.keys import NodeKey


@dataclass(frozen=True, slots=True)
class NetBoxInventory:
    """Reads one device now; ``profiles`` may read files, it is called in a thread.

    Twins are only known to the sync, so the problems that it stored count too.
    """

    api: NetBoxApi
    store: Store
    settings: SyncSettings
    profiles: Callable[[], Profiles]

    async def read(self, node: NodeKey) -> Desired | None:
        """The node's record now, with the stored generation; None where it is gone or served no more.

        Raises:
            Unreachable: NetBox or the store gave no answer.
            Refused: NetBox refused our token.
        """
        pk = pk_of(node)
        if pk is None:
            return None
        record = (await read(self.api, [pk])).get(pk)
        if record is None or not is_served(record.device, self.settings):
            return None
        if node_key(record.device["site"]["slug"], pk) != node:
            return None
        wish = project(record, self.settings, await asyncio.to_thread(self.profiles))
        return beside(wish, (await stored(self.store, node)).desired)

    async def accepted_by(self, node: NodeKey) -> str:
        """The custom field that write-back never empties.

        Raises:
            Unreachable: NetBox gave no answer.
            Refused: NetBox refused our token.
        """
        pk = pk_of(node)
        rows = await self.api.rows("dcim/devices", id=pk) if pk is not None else []
        shown = rows[0]["custom_fields"].get(self.settings.fields.accepted_run) if rows else None
        return shown if isinstance(shown, str) else ""
