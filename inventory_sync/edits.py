"""Which request to NetBox set a device to the start status, by whom, and to how many devices at once.

NetBox commits a bulk edit as one transaction and logs each device under the same request id. A look that finds a device
newly at the start status asks the change log for that; the answer is stored with the wish, so that a worker knows of a bulk
edit before it could start anything (see ``workflows.engine.campaign_driver``).
"""

from collections.abc import Mapping
from typing import Any

from inventory_sync.api import NetBoxApi, Row
from inventory_sync.settings import SyncSettings
from workflows.model.desired import Desired, Edit

DEVICE = "dcim.device"
#: Rows looked through per device: its start status is among its newest changes when it is first seen.
_ROWS = 10
_FIELDS = "id,action,changed_object_type,changed_object_id,user_name,request_id,prechange_data,postchange_data"


def set_start(row: Row, settings: SyncSettings) -> bool:
    """Whether a change-log row says that somebody else than we set a device to the start status, or made it so."""
    before, after = row["prechange_data"] or {}, row["postchange_data"] or {}
    return (
        row["changed_object_type"] == DEVICE
        and row["user_name"] != settings.service_user
        and after.get("status") == settings.start_status != before.get("status")
    )


def kept(device: Row, last: Desired | None, settings: SyncSettings) -> Edit | None:
    """The edit that is known already; None where the device isn't at the start status, or has only come to it."""
    if device["status"]["value"] != settings.start_status or last is None or last.status != settings.start_status:
        return None
    return last.edit


async def find_edits(api: NetBoxApi, pks: list[int], settings: SyncSettings) -> Mapping[int, Edit]:
    """The newest such request of each device; one whose change log says nothing of it is missing.

    Raises:
        Unreachable, Refused: as ``NetBoxApi`` does.
    """
    if not pks:
        return {}
    newest: dict[int, Row] = {}
    about: dict[str, Any] = {"changed_object_type": DEVICE, "fields": _FIELDS}
    for row in await api.page("core/object-changes", _ROWS * len(pks), ordering="-id", changed_object_id=pks, **about):
        if row["changed_object_id"] in pks and set_start(row, settings):
            newest.setdefault(row["changed_object_id"], row)
    sizes = {}
    for request in sorted({row["request_id"] for row in newest.values()}):
        rows = await api.rows("core/object-changes", request_id=request, **about)
        sizes[request] = len({r["changed_object_id"] for r in rows if set_start(r, settings)})
    return {
        pk: Edit(request=row["request_id"], person=row["user_name"], nodes=sizes[row["request_id"]])
        for pk, row in newest.items()
    }
