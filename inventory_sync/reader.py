"""Reads devices with all that their projection needs: four requests for up to fifty of them, not four for each."""

import ipaddress
from dataclasses import dataclass, field

from inventory_sync.api import NetBoxApi, Row
from inventory_sync.fanout import batches

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One device as NetBox shows it: its row, its interfaces and addresses, and the prefixes of those by network."""

    device: Row
    interfaces: list[Row] = field(default_factory=list)
    addresses: list[Row] = field(default_factory=list)
    prefixes: list[Row] = field(default_factory=list)


async def read(api: NetBoxApi, pks: list[int]) -> dict[int, DeviceRecord]:
    """The records of up to ``AT_ONCE`` devices; those that are gone are missing.

    The prefix of an address is the one with exactly its network and VRF: in NetBox the mask of an address says it.

    Raises:
        Unreachable, Refused: as ``NetBoxApi`` does.
    """
    assert len(pks) <= AT_ONCE
    devices = {row["id"]: DeviceRecord(row) for row in await api.rows("dcim/devices", id=pks)}
    if not devices:
        return {}
    for row in await api.rows("dcim/interfaces", device_id=list(devices)):
        if row["device"]["id"] in devices:
            devices[row["device"]["id"]].interfaces.append(row)
    for row in await api.rows("ipam/ip-addresses", device_id=list(devices)):
        owner = (row["assigned_object"] or {}).get("device")
        if owner and owner["id"] in devices:
            devices[owner["id"]].addresses.append(row)
    networks = {network_of(row["address"]) for record in devices.values() for row in record.addresses}
    prefixes = [row for batch in batches(networks) for row in await api.rows("ipam/prefixes", prefix=batch)]
    for record in devices.values():
        own = {network_of(row["address"]) for row in record.addresses}
        record.prefixes.extend(row for row in prefixes if row["prefix"] in own)
    return devices


def network_of(address: str) -> str:
    """The network of an address with its mask: ``10.0.0.5/24`` → ``10.0.0.0/24``."""
    return str(ipaddress.ip_interface(address).network)
