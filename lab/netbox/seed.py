"""Fills an empty NetBox with a site: racks, prefixes and devices that bringup can serve, each field overridable."""

from dataclasses import dataclass, field
from typing import Any

from inventory_sync.api import NetBoxApi, Row
from inventory_sync.netbox_setup import permissions
from inventory_sync.settings import SyncSettings


@dataclass(frozen=True, slots=True)
class SeedDevice:
    """One device. ``macs`` become interfaces ``eth0``, ``eth1`` …; ``guids`` ``ib0`` …; addresses carry their mask.

    ``bmc`` is an address on the management-only interface ``bmc``, set as OOB IP. ``peers`` are switch ports (``leaf1``,
    ``swp1``) cabled to ``eth0``, ``eth1`` … in their order; the switches are made where they are missing.
    """

    name: str | None
    serial: str = ""
    status: str = "planned"
    macs: tuple[str, ...] = ()
    address: str | None = None
    dns_name: str = ""
    bmc: str | None = None
    bmc_mac: str | None = None
    guids: tuple[str, ...] = ()
    mtu: int | None = None
    peers: tuple[tuple[str, str], ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    context: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedSite:
    """Primary keys of what was made: ``devices`` in the order given."""

    site: int
    rack: int
    role: int
    device_type: int
    platform: int
    prefixes: dict[str, int]
    devices: tuple[int, ...]


async def seed_site(
    api: NetBoxApi,
    *devices: SeedDevice,
    site: str = "lab",
    rack: str = "R01",
    role: str = "gpu-node",
    device_type: str = "lab-node",
    prefixes: tuple[str, ...] = (),
    gateways: dict[str, str] | None = None,
    context: dict[str, Any] | None = None,
) -> SeedSite:
    """Make the site with its devices; what is there already by its slug or name is used.

    ``gateways`` sets the custom field ``gateway`` of prefixes, which ``netbox_setup.ensure`` must have made. ``context``
    is the data of a config context of the site.
    """
    site_pk = await _one(api, "dcim/sites", "slug", {"name": site, "slug": site})
    rack_pk = await _one(api, "dcim/racks", "name", {"name": rack, "site": site_pk, "u_height": 48}, site_id=site_pk)
    role_pk = await _one(api, "dcim/device-roles", "slug", {"name": role, "slug": role})
    maker = await _one(api, "dcim/manufacturers", "slug", {"name": "Lab", "slug": "lab"})
    kind = {"manufacturer": maker, "model": device_type, "slug": device_type, "u_height": 1}
    type_pk = await _one(api, "dcim/device-types", "slug", kind)
    platform = await _one(api, "dcim/platforms", "slug", {"name": "Debian 12", "slug": "debian-12"})
    made = {}
    for prefix in prefixes:
        body: dict[str, Any] = {"prefix": prefix}
        if gateways and prefix in gateways:
            body["custom_fields"] = {"gateway": gateways[prefix]}
        made[prefix] = (await api.create("ipam/prefixes", body))["id"]
    if context is not None:
        data = {"name": f"{site} context", "weight": 1000, "sites": [site_pk], "data": context}
        await api.create("extras/config-contexts", data)
    base = {"site": site_pk, "rack": rack_pk, "role": role_pk, "device_type": type_pk, "platform": platform}
    pks = [await seed_device(api, device, base) for device in devices]
    return SeedSite(site_pk, rack_pk, role_pk, type_pk, platform, made, tuple(pks))


async def seed_device(api: NetBoxApi, device: SeedDevice, base: dict[str, Any]) -> int:
    """Make one device with all that hangs on it, its status last: until then nobody serves it half made."""
    body = base | {"name": device.name, "serial": device.serial, "status": "planned"}
    body |= {"custom_fields": device.fields, "tags": [{"slug": t} for t in device.tags]}
    pk: int = (await api.create("dcim/devices", body | {"local_context_data": device.context}))["id"]
    final: dict[str, Any] = {"status": device.status} if device.status != "planned" else {}
    ports = [
        await _interface(api, pk, f"eth{n}", "1000base-t", mac, {"mtu": device.mtu})
        for n, mac in enumerate(device.macs)
    ]
    for n, guid in enumerate(device.guids):
        await _interface(api, pk, f"ib{n}", "infiniband-hdr", None, {"wwn": guid})
    if device.address is not None:
        final["primary_ip4"] = await _address(api, device.address, ports[0], device.dns_name)
    if device.bmc is not None:
        port = await _interface(api, pk, "bmc", "1000base-t", device.bmc_mac, {"mgmt_only": True})
        final["oob_ip"] = await _address(api, device.bmc, port, "")
    for (switch, name), port in zip(device.peers, ports, strict=False):
        await _cable(api, port, await _switch_port(api, switch, name, base))
    if final:
        await api.update("dcim/devices", pk, final)
    return pk


async def _one(api: NetBoxApi, path: str, key: str, body: dict[str, Any], **within: int) -> int:
    found: list[Row] = await api.rows(path, **{key: body[key]}, **within)
    return int((found[0] if found else await api.create(path, body))["id"])


async def _interface(api: NetBoxApi, pk: int, name: str, kind: str, mac: str | None, more: dict[str, Any]) -> int:
    body = {"device": pk, "name": name, "type": kind} | {k: v for k, v in more.items() if v is not None}
    port = int((await api.create("dcim/interfaces", body))["id"])
    if mac is not None:
        on = {"assigned_object_type": "dcim.interface", "assigned_object_id": port}
        address = await api.create("dcim/mac-addresses", {"mac_address": mac} | on)
        await api.update("dcim/interfaces", port, {"primary_mac_address": address["id"]})
    return port


async def _address(api: NetBoxApi, address: str, port: int, dns_name: str) -> int:
    on = {"assigned_object_type": "dcim.interface", "assigned_object_id": port}
    return int((await api.create("ipam/ip-addresses", {"address": address, "dns_name": dns_name} | on))["id"])


async def _switch_port(api: NetBoxApi, switch: str, name: str, base: dict[str, Any]) -> int:
    role = await _one(api, "dcim/device-roles", "slug", {"name": "switch", "slug": "switch"})
    body = {"name": switch, "site": base["site"], "role": role, "device_type": base["device_type"]}
    return await _interface(
        api, await _one(api, "dcim/devices", "name", body, site_id=base["site"]), name, "1000base-t", None, {}
    )


async def _cable(api: NetBoxApi, one: int, other: int) -> None:
    ends = [[{"object_type": "dcim.interface", "object_id": port}] for port in (one, other)]
    await api.create("dcim/cables", {"a_terminations": ends[0], "b_terminations": ends[1]})


async def service_account(api: NetBoxApi, settings: SyncSettings) -> str:
    """Make the run-time user with the least permissions that ``netbox init --print`` asks for; returns its token."""
    user = await api.create("users/users", {"username": settings.service_user, "password": "Not-used-9-anywhere"})
    for permission in permissions(settings):
        await api.create("users/permissions", permission | {"users": [user["id"]]})
    token = await api.create("users/tokens", {"user": user["id"], "write_enabled": True})
    return f"nbt_{token['key']}.{token['token']}"
