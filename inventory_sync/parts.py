"""A machine's parts in NetBox: modules in bays first, inventory items where there is no module.

Theory of operation. Only what is blank is filled, and only where the site allows it (``fill_blanks``): the serial of a
module whose bay carries the place's name, else the serial of an inventory item of that name, else a new inventory item,
marked as *discovered*. No module is installed by us, for NetBox makes interfaces and ports with it. A serial that is there
and differs is never changed: the differences are told in one entry of the device's journal a run, and taking them over is a
person's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from inventory_sync.api import NetBoxApi, Row
from workflows.model.hardware import HardwareReport, Part, PartKind

_MODULES, _ITEMS = "dcim/modules", "dcim/inventory-items"
#: Longest values that NetBox takes (4.7: dcim/models, Module.serial, InventoryItem.name and part_id).
_NAME, _SERIAL = 64, 50


@dataclass(frozen=True, slots=True)
class Fill:
    """One write: an object that is there, by the row that was read, or None for a new one, and the body."""

    path: str
    row: Row | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """What can be filled, and what differs, in sentences."""

    fills: tuple[Fill, ...]
    differs: tuple[str, ...]


def compare(device: int, bays: Iterable[Row], items: Iterable[Row], report: HardwareReport) -> Parts:
    """The machine's parts with a serial against the device's module bays and inventory items. Pure."""
    by_bay = {name.lower(): bay for bay in bays for name in _names(bay) if bay["installed_module"]}
    by_name = {str(item["name"]).lower(): item for item in items}
    fills, differs = [], []
    for kind in PartKind:
        for part in report.parts(kind):
            if not part.serial:
                continue
            bay = by_bay.get(part.where.lower()) or by_bay.get(part.name.lower())
            name = _item_name(kind, part)
            row = bay["installed_module"] if bay is not None else by_name.get(name.lower())
            serial = part.serial[:_SERIAL]
            if row is None:
                body = {"device": device, "name": name, "serial": serial, "discovered": True}
                fills.append(Fill(_ITEMS, None, body | {"part_id": (part.model or "")[:_SERIAL]}))
            elif not row["serial"]:
                fills.append(Fill(_MODULES if bay is not None else _ITEMS, row, {"serial": serial}))
            elif row["serial"].strip().lower() != serial.lower():
                differs.append(f"{name}: NetBox says {row['serial']}, the machine has {serial}")
    return Parts(tuple(fills), tuple(differs))


async def tell_parts(api: NetBoxApi, device: int, report: HardwareReport) -> Parts:
    """Read what NetBox has, and fill the blanks.

    Raises:
        Unreachable, Refused: as ``NetBoxApi`` does.
        Conflict: a person changed one of them meanwhile; what was filled stays.
    """
    modules = {m["id"]: m for m in await api.rows(_MODULES, device_id=device)}
    bays = await api.rows("dcim/module-bays", device_id=device)
    whole = [
        bay | {"installed_module": modules.get((bay["installed_module"] or {}).get("id"))} for bay in bays
    ]  # a bay shows its module in short: without serial and ETag
    found = compare(device, whole, await api.rows(_ITEMS, device_id=device), report)
    for fill in found.fills:
        if fill.row is None:
            await api.create(fill.path, fill.body)
        else:
            await api.update(fill.path, fill.row["id"], fill.body, seen=fill.row)
    return found


def _names(bay: Row) -> set[str]:
    return {str(bay[key]) for key in ("name", "position", "label") if bay.get(key)}


def _item_name(kind: PartKind, part: Part) -> str:
    return f"{kind} {part.where}"[:_NAME]
