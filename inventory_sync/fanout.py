"""Which devices a change touches. NetBox tells of the object that changed; a shared one sends no device hook.

``touched`` is pure: one change, as a webhook or a change-log row shows it, becomes a small record of what to look at.
``resolve`` asks NetBox which devices those are. Both err on the side of too many: a device looked at in vain costs a read.

A snapshot is flat (``device: 17``), the form that webhooks (``snapshots``) and the change log (``prechange_data``) share.
Seen on 4.7: a cable's change updates the interfaces at both ends, but only the row of a deleted interface says whose it was.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from inventory_sync.api import NetBoxApi
from inventory_sync.settings import SyncSettings
from workflows.model.record import Record

_BATCH = 100
_DEVICE_FILTER = {
    "dcim.devicetype": "device_type_id",
    "dcim.devicerole": "role_id",
    "dcim.platform": "platform_id",
    "dcim.site": "site_id",
    "dcim.rack": "rack_id",
}
_EVERYTHING = frozenset({"extras.configcontext", "extras.configcontextprofile", "extras.tag", "ipam.vlan", "ipam.vrf"})
RELEVANT = frozenset(
    {"dcim.device", "dcim.interface", "dcim.macaddress", "dcim.cable", "dcim.cabletermination"}
    | {"ipam.ipaddress", "ipam.prefix"}
    | _DEVICE_FILTER.keys()
    | _EVERYTHING
)


class Touched(Record):
    """What to look at: devices and interfaces by primary key, networks, device filters, or all that is served."""

    devices: frozenset[int] = frozenset()
    interfaces: frozenset[int] = frozenset()
    networks: frozenset[str] = frozenset()
    filters: frozenset[tuple[str, int]] = frozenset()
    everything: bool = False

    def __or__(self, other: "Touched") -> "Touched":
        """Both."""
        return Touched(
            devices=self.devices | other.devices,
            interfaces=self.interfaces | other.interfaces,
            networks=self.networks | other.networks,
            filters=self.filters | other.filters,
            everything=self.everything or other.everything,
        )

    def __bool__(self) -> bool:
        """Whether there is anything to look at."""
        return self != Touched()


def touched(object_type: str, pk: int, *snapshots: Mapping[str, Any] | None) -> Touched:
    """What a change of one object touches; ``snapshots`` are its states before and after, None where there was none."""
    states = [s for s in snapshots if s]
    match object_type:
        case "dcim.device":
            return Touched(devices=frozenset({pk}))
        case "dcim.interface":
            devices = _numbers(s.get("device") for s in states)
            return Touched(devices=devices) if devices else Touched(interfaces=frozenset({pk}))
        case "dcim.macaddress" | "ipam.ipaddress":
            return Touched(interfaces=_numbers(s.get("assigned_object_id") for s in states))
        case "dcim.cabletermination":
            return Touched(interfaces=_numbers(s.get("termination_id") for s in states))
        case "dcim.cable":
            ends = (s.get(side) for s in states for side in ("a_terminations", "b_terminations"))
            return Touched(interfaces=_numbers(n for end in ends if isinstance(end, list) for n in end))
        case "ipam.prefix":
            return Touched(networks=frozenset(str(s["prefix"]) for s in states if s.get("prefix")))
    if object_type in _DEVICE_FILTER:
        return Touched(filters=frozenset({(_DEVICE_FILTER[object_type], pk)}))
    return Touched(everything=object_type in _EVERYTHING)


async def resolve(api: NetBoxApi, what: Touched, settings: SyncSettings) -> set[int]:
    """The devices, by primary key, that ``what`` touches: those of a device that is gone are among them.

    Raises:
        Unreachable, Refused: as ``NetBoxApi`` does.
    """
    found = set(what.devices)
    for batch in batches(what.interfaces):
        found |= {row["device"]["id"] for row in await api.rows("dcim/interfaces", id=batch, fields="id,device")}
    for network in sorted(what.networks):
        for row in await api.rows("ipam/ip-addresses", parent=network, fields="id,assigned_object"):
            device = (row["assigned_object"] or {}).get("device")
            found |= {device["id"]} if device else set()
    filters = [dict([f]) for f in sorted(what.filters)] + ([{}] if what.everything else [])
    served = await _served(api, settings) if filters else {}
    if all(served.values()):
        for more in filters:
            found |= {row["id"] for row in await api.rows("dcim/devices", fields="id", **served | more)}
    return found


def batches[T: (int, str)](items: Iterable[T], size: int = _BATCH) -> list[list[T]]:
    """Sorted slices of at most ``size``, so that an address of a request stays short."""
    ordered = sorted(items)
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]


async def _served(api: NetBoxApi, settings: SyncSettings) -> dict[str, list[int]]:
    """Filters for the served devices, by id: NetBox refuses a slug that it doesn't know, here a role not made yet."""
    sites = await api.rows("dcim/sites", slug=list(settings.sites), fields="id")
    roles = await api.rows("dcim/device-roles", slug=list(settings.roles), fields="id")
    return {"site_id": [row["id"] for row in sites], "role_id": [row["id"] for row in roles]}


def _numbers(values: Iterable[Any]) -> frozenset[int]:
    return frozenset(v for v in values if isinstance(v, int))
