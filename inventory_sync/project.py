"""NetBox's record of a device to desired state. Pure: the same rows give the same projection, and nothing else is asked.

The projection holds no custom field that bringup writes. Whatever is wrong with a record becomes a sentence in
``problems`` for its owner; a node with problems is never acted on, so nothing here guesses.
"""

import ipaddress
from typing import Any

from pydantic import ValidationError

from inventory_sync.api import Row
from inventory_sync.profiles import Profiles
from inventory_sync.reader import DeviceRecord, network_of
from inventory_sync.settings import ProfileRef, SyncSettings
from workflows.model.desired import Address, BmcTarget, Desired, Intent, Interface, Mount, PeerPort
from workflows.model.keys import NodeKey, slug

MAX_MOUNTS = 64


def node_key(site: str, pk: int) -> NodeKey:
    """The key of a device: its site's slug, and NetBox's primary key, which outlives every name."""
    return f"{slug(site)}.nb-{pk}"


def pk_of(node: NodeKey) -> int | None:
    """NetBox's primary key in a node key; None where the node is another source's."""
    name = node.partition(".")[2]
    return int(name[3:]) if name.startswith("nb-") and name[3:].isdigit() else None


def is_served(device: Row, settings: SyncSettings) -> bool:
    """Whether a device is one of bringup's, by its role and site."""
    return device["role"]["slug"] in settings.roles and device["site"]["slug"] in settings.sites


def project(record: DeviceRecord, settings: SyncSettings, profiles: Profiles) -> Desired:
    """The wish for one served device, with generation 0 and without what twins would add to its problems."""
    device = record.device
    context = _context(device, settings)
    status = device["status"]["value"]
    intent = settings.statuses.get(status, Intent.NOT_OURS)
    tags = tuple(sorted(tag["slug"] for tag in device["tags"]))
    problems: list[str] = []
    mounts = _mounts(context, problems)
    interfaces = _interfaces(record, settings, problems)
    bmc = _bmc(record, settings, context, problems)
    profile, unresolved = profiles.resolve(_rules(device, settings, context))
    problems += unresolved
    serial = device["serial"].strip() or None
    problems = unidentified(serial, interfaces) + problems
    return Desired(
        node=node_key(device["site"]["slug"], device["id"]),
        name=device["name"],
        dns_name=_dns_name(record),
        status=status,
        intent=intent,
        serial=serial,
        uuid=(_text(device, settings.fields.uuid) or "").lower() or None,
        rack=device["rack"]["name"] if device["rack"] else None,
        position=device["position"],
        tags=tags,
        protected=settings.protected_tag in tags,
        bmc=bmc,
        interfaces=interfaces,
        mounts=mounts,
        profile=profile,
        problems=tuple(problems) if intent is Intent.SERVE else (),
    )


def unidentified(serial: str | None, interfaces: tuple[Interface, ...]) -> list[str]:
    """What keeps the machine from being told from others, in sentences."""
    found = []
    if serial is None:
        found.append("it has no serial number: the machine that answers could not be told from another")
    if not any(i.mac and not i.mgmt_only for i in interfaces):
        found.append("no interface has a MAC address: it could not be told from others when it boots")
    return found


def gone(last: Desired, why: str) -> Desired:
    """What remains of a node that is no longer served: its key and name, so that its history stays readable."""
    return Desired(
        node=last.node, name=last.name, status=why, intent=Intent.NOT_OURS, serial=last.serial, rack=last.rack
    )


# --- parts ----------------------------------------------------------------------------------------------------------


def _context(device: Row, settings: SyncSettings) -> Row:
    """bringup's part of the config context."""
    context = device["config_context"] if isinstance(device["config_context"], dict) else {}
    part = context.get(settings.context_key)
    return part if isinstance(part, dict) else {}


def _text(row: Row, field: str) -> str | None:
    """A custom field as text; a selection shows as value and label."""
    value = row["custom_fields"].get(field)
    if isinstance(value, dict):
        value = value.get("value")
    return str(value).strip() or None if value is not None else None


def _rules(device: Row, settings: SyncSettings, context: Row) -> list[tuple[str, ProfileRef]]:
    """The rules that may name a profile, first wins, each with where it stands."""
    fields = settings.fields
    ref = ProfileRef(sku=_text(device, fields.sku), release=_text(device, fields.release))
    rules = [(f"custom fields {fields.sku}, {fields.release}", ref)]
    given = {name: context[name] for name in ("sku", "release") if isinstance(context.get(name), str)}
    rules.append((f"config context {settings.context_key}", ProfileRef(**given)))
    if device["platform"]:
        pair = f"{device['platform']['slug']}/{device['role']['slug']}"
        rules.append((f"platform and role {pair}", settings.by_platform_role.get(pair, ProfileRef())))
    kind = device["device_type"]["slug"]
    rules.append((f"device type {kind}", settings.by_device_type.get(kind, ProfileRef())))
    return rules


def _dns_name(record: DeviceRecord) -> str | None:
    primary = record.device["primary_ip"]
    return next((a["dns_name"] or None for a in record.addresses if primary and a["id"] == primary["id"]), None)


def _interfaces(record: DeviceRecord, settings: SyncSettings, problems: list[str]) -> tuple[Interface, ...]:
    primary = (record.device["primary_ip"] or {}).get("id")
    found = []
    for row in sorted(record.interfaces, key=lambda r: str(r["name"])):
        if not row["enabled"]:
            continue
        own = [a for a in record.addresses if _on(a, row) and a["status"]["value"] != "deprecated"]
        prefixes = [p for p in (_prefix(record, a) for a in own) if p]
        vlan = row["untagged_vlan"] or next((p["vlan"] for p in prefixes if p["vlan"]), None) or _tagged(row)
        found.append(
            Interface(
                name=row["name"],
                mac=(row["mac_address"] or "").lower() or None,
                guid=_guid(row["wwn"]),
                addresses=tuple(
                    Address(
                        cidr=a["address"],
                        gateway=_gateway(record, a, settings, problems),
                        primary=a["id"] == primary,
                    )
                    for a in sorted(own, key=lambda a: int(a["id"]))
                ),
                vlan=vlan["vid"] if vlan else None,
                mtu=row["mtu"],
                lag=row["lag"]["name"] if row["lag"] else None,
                parent=row["parent"]["name"] if row["parent"] else None,
                mgmt_only=row["mgmt_only"],
                peer=_peer(row),
            )
        )
    return tuple(found)


def _tagged(row: Row) -> Row | None:
    """The one tagged VLAN of a subinterface, as many sites model it; a port's tagged VLANs are none of its own."""
    return row["tagged_vlans"][0] if row["parent"] and len(row["tagged_vlans"]) == 1 else None


def _on(address: Row, interface: Row) -> bool:
    return (address["assigned_object_type"], address["assigned_object_id"]) == ("dcim.interface", interface["id"])


def _guid(wwn: str | None) -> str | None:
    """An InfiniBand port GUID as tools print it: ``0x`` and 16 hex digits. NetBox keeps it as eight pairs."""
    return "0x" + wwn.replace(":", "").lower() if wwn else None


def _peer(interface: Row) -> PeerPort | None:
    """The port at the far end, through patch panels; None unless it is exactly one port of a device."""
    ends = interface["connected_endpoints"] or []
    if len(ends) != 1 or not ends[0].get("device"):
        return None
    far = ends[0]["device"]
    return PeerPort(device=far["name"] or far["display"], port=ends[0]["name"])


def _prefix(record: DeviceRecord, address: Row) -> Row | None:
    """The prefix with exactly the network and VRF of an address."""
    vrf = (address["vrf"] or {}).get("id")
    network = network_of(address["address"])
    return next((p for p in record.prefixes if p["prefix"] == network and (p["vrf"] or {}).get("id") == vrf), None)


def _gateway(record: DeviceRecord, address: Row, settings: SyncSettings, problems: list[str]) -> str | None:
    """The gateway of an address: the prefix's custom field, else the prefix's first address unless that is its own."""
    prefix = _prefix(record, address)
    if prefix is None:
        return None
    network = ipaddress.ip_network(prefix["prefix"])
    named = _text(prefix, settings.fields.gateway)
    if named is not None:
        try:
            if ipaddress.ip_address(named) in network:
                return str(ipaddress.ip_address(named))
        except ValueError:
            pass
        problems.append(f"the gateway {named!r} of prefix {prefix['prefix']} is no address in it")
        return None
    if network.prefixlen >= network.max_prefixlen - 1:
        return None
    first = network.network_address + 1
    return str(first) if first != ipaddress.ip_interface(address["address"]).ip else None


def _bmc(record: DeviceRecord, settings: SyncSettings, context: Row, problems: list[str]) -> BmcTarget | None:
    """The out-of-band address, else the one of the one ``mgmt_only`` interface that has any.

    Config context may give ``{"bmc": {"port": …, "credential": …}}``; a custom field of the device wins for the latter.
    """
    address = (record.device["oob_ip"] or {}).get("address")
    if address is None:
        management = {row["id"] for row in record.interfaces if row["mgmt_only"]}
        candidates = [a["address"] for a in record.addresses if a["assigned_object_id"] in management]
        if len(candidates) != 1:
            problems.append(
                f"it has no out-of-band address and {len(candidates)} addresses on management-only interfaces: "
                "set its OOB IP"
            )
            return None
        address = candidates[0]
    given = context.get("bmc") if isinstance(context.get("bmc"), dict) else {}
    assert given is not None
    credential = _text(record.device, settings.fields.credential) or given.get("credential") or settings.credential
    ip = ipaddress.ip_interface(address).ip
    port = given.get("port")
    host = f"[{ip}]" if ip.version == 6 and port else str(ip)
    return BmcTarget(address=f"{host}:{port}" if isinstance(port, int) else host, credential=str(credential))


def _mounts(context: Row, problems: list[str]) -> tuple[Mount, ...]:
    """``{"mounts": [{"target", "source", "fstype", "options": […]}]}`` of the config context."""
    given: Any = context.get("mounts", [])
    if not isinstance(given, list) or len(given) > MAX_MOUNTS:
        problems.append(f"the config context's mounts are no list of at most {MAX_MOUNTS}")
        return ()
    found = []
    for number, item in enumerate(given, 1):
        try:
            found.append(Mount.model_validate(item))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            problems.append(f"mount {number} of the config context is wrong: {where}: {first['msg']}")
    return tuple(sorted(found, key=lambda mount: mount.target))
