"""Rows as NetBox 4.7.3's API shows them, cut to what a projection reads; each test changes what it is about."""

from typing import Any

from inventory_sync.profiles import Profiles
from inventory_sync.reader import DeviceRecord
from inventory_sync.settings import SyncSettings
from workflows.model.profile import DiskHint, Image, Release, Sku

SETTINGS = SyncSettings(sites=("lab", "dc2"))
SHA = "0" * 64
PROFILES = Profiles(
    skus={n: Sku(name=n, system_disk=DiskHint(min_bytes=1)) for n in ("lab-node", "dgx-h100")},
    releases={
        n: Release(name=n, image=Image(name=n, sha256=SHA, size=1, raw_size=1, raw_sha256=SHA, root_uuid="11-22"))
        for n in ("2026.11", "2026.12")
    },
)


def device(**changes: Any) -> dict[str, Any]:
    """A staged device with serial, OOB address and profile."""
    row: dict[str, Any] = {
        "id": 17,
        "name": "gpu-001",
        "device_type": {"id": 1, "slug": "lab-node"},
        "role": {"id": 1, "slug": "gpu-node"},
        "platform": {"id": 1, "slug": "debian-12"},
        "serial": "SN-17",
        "site": {"id": 1, "slug": "lab"},
        "rack": {"id": 1, "name": "R01"},
        "position": 12.0,
        "status": {"value": "staged", "label": "Staged"},
        "primary_ip": {"id": 51},
        "oob_ip": {"id": 52, "address": "10.9.0.17/24"},
        "config_context": {"bringup": {"sku": "lab-node", "release": "2026.11"}},
        "tags": [],
        "custom_fields": {},
    }
    return row | changes


def interface(**changes: Any) -> dict[str, Any]:
    """``eth0`` with a MAC, no cable."""
    row: dict[str, Any] = {
        "id": 31,
        "name": "eth0",
        "enabled": True,
        "lag": None,
        "parent": None,
        "tagged_vlans": [],
        "mtu": None,
        "mac_address": "02:00:00:00:00:17",
        "wwn": None,
        "mgmt_only": False,
        "untagged_vlan": None,
        "connected_endpoints": None,
        "device": {"id": 17},
    }
    return row | changes


def address(**changes: Any) -> dict[str, Any]:
    """The primary address, on ``eth0``."""
    row: dict[str, Any] = {
        "id": 51,
        "address": "10.0.0.17/24",
        "vrf": None,
        "status": {"value": "active"},
        "assigned_object_type": "dcim.interface",
        "assigned_object_id": 31,
        "dns_name": "gpu-001.lab.example.com",
    }
    return row | changes


def prefix(**changes: Any) -> dict[str, Any]:
    """The network of that address."""
    row: dict[str, Any] = {"id": 71, "prefix": "10.0.0.0/24", "vrf": None, "vlan": None, "custom_fields": {}}
    return row | changes


def record(
    device_row: dict[str, Any] | None = None,
    interfaces: list[dict[str, Any]] | None = None,
    addresses: list[dict[str, Any]] | None = None,
    prefixes: list[dict[str, Any]] | None = None,
) -> DeviceRecord:
    """A complete record; parts may be replaced."""
    return DeviceRecord(
        device() if device_row is None else device_row,
        [interface()] if interfaces is None else interfaces,
        [address()] if addresses is None else addresses,
        [prefix()] if prefixes is None else prefixes,
    )
