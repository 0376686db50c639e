"""What NetBox should learn of a machine's identity, field by field: serial, UUID, MACs, GUIDs.

Theory of operation. Each change names the old value. It is written only where NetBox shows exactly that, and by ``If-Match``
on the object as it was read: what a person entered meanwhile is never overwritten, the difference stays visible in
``bringup status`` instead. Serial and UUID go with the device's own PATCH. A MAC is an object of its own in NetBox (since
4.2), which the interface names as its primary one; the old one stays listed beside it, as the interface's history. A GUID
stands in the interface's ``wwn``. Done twice, the second time finds nothing to do.
"""

import re
from collections.abc import Iterable
from typing import Any

from inventory_sync.api import NetBoxApi, Row
from inventory_sync.settings import SyncSettings
from workflows.model.identity import IdentityChange, IdentityField

_INTERFACE = "dcim.interface"


def allowed(changes: Iterable[IdentityChange], settings: SyncSettings) -> list[IdentityChange]:
    """Those that may be written: what a person approved always, a blank where the site lets bringup fill blanks."""
    return [change for change in changes if change.old is not None or settings.fill_blanks]


def of_device(device: Row, changes: Iterable[IdentityChange], settings: SyncSettings) -> dict[str, Any]:
    """The part of the device's PATCH. Pure."""
    patch: dict[str, Any] = {}
    for change in changes:
        match change.field:
            case IdentityField.SERIAL if _is(device["serial"], change.old):
                patch["serial"] = change.new
            case IdentityField.UUID if _is(device["custom_fields"].get(settings.fields.uuid), change.old):
                patch["custom_fields"] = {settings.fields.uuid: change.new}
    return patch


async def tell_interfaces(api: NetBoxApi, interfaces: Iterable[Row], changes: Iterable[IdentityChange]) -> int:
    """Bring MACs and GUIDs to the interfaces; returns how many were written.

    Raises:
        Unreachable, Refused: as ``NetBoxApi`` does.
        Conflict: a person changed the interface since it was read.
    """
    rows, written = {row["name"]: row for row in interfaces}, 0
    for change in changes:
        row = rows.get(change.interface)
        if row is None:
            continue
        match change.field:
            case IdentityField.MAC if _is(row["mac_address"], change.old):
                primary = await _mac_object(api, row["id"], change.new)
                await api.update("dcim/interfaces", row["id"], {"primary_mac_address": primary}, seen=row)
            case IdentityField.GUID if _is(_digits(row["wwn"]), _digits(change.old)):
                pairs = ":".join(re.findall("..", _digits(change.new) or ""))
                await api.update("dcim/interfaces", row["id"], {"wwn": pairs}, seen=row)
            case _:
                continue
        written += 1
    return written


async def _mac_object(api: NetBoxApi, interface: int, mac: str) -> int:
    """The id of the interface's MAC object; a crash may have left it there without being the primary one."""
    found = await api.rows("dcim/mac-addresses", mac_address=mac, interface_id=interface)
    if found:
        return int(found[0]["id"])
    body = {"mac_address": mac, "assigned_object_type": _INTERFACE, "assigned_object_id": interface}
    return int((await api.create("dcim/mac-addresses", body))["id"])


def _is(shown: Any, wanted: str | None) -> bool:
    return (str(shown).strip().lower() if shown else "") == (wanted or "").lower()


def _digits(guid: str | None) -> str | None:
    return guid.lower().removeprefix("0x").replace(":", "") if guid else None
