"""What bringup needs in NetBox: custom fields, a tag, links, the webhook and its event rule, and the least permissions.

``ensure`` makes what is missing and mends what differs, by name, and touches nothing else; done twice, the second time
changes nothing. ``as_ticket`` prints the same for those who let nobody else do it. The set-up needs an administrator's
token, once; at run time only a token with ``permissions`` is used.
"""

import json
from dataclasses import dataclass
from typing import Any

from inventory_sync.api import NetBoxApi, Row
from inventory_sync.fanout import RELEVANT
from inventory_sync.settings import SyncSettings
from inventory_sync.webhook import PATH

HOOK = "bringup"


@dataclass(frozen=True, slots=True)
class Item:
    """One object: its list in the API, the field it is known by, and what it should hold."""

    path: str
    key: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """How a person finds it."""
        return f"{self.path.rpartition('/')[2]} {self.body[self.key]}"


def wanted(settings: SyncSettings, hook_url: str, secret: str) -> list[Item]:
    """Everything, in the order in which it has to be made.

    ``hook_url`` is where NetBox reaches our webhook endpoint, without its path. The link on a device's page shows how it
    stands and leads to its journal, where each run's entry is.
    """
    names = settings.fields
    read = {
        names.sku: ("Sku", "Name of the hardware profile; wins over config context, platform and device type"),
        names.release: ("Release", "Name of the software release; wins likewise"),
        names.uuid: ("System UUID", "As Redfish shows it; checked before anything is written to a disk"),
        names.credential: ("BMC credential", "Reference of the secret that opens the BMC; never the secret"),
    }
    written = {
        names.state: ("State", "What bringup does with this device now"),
        names.message: ("Message", "Why, and what comes next; or what is wrong with this record"),
        names.run: ("Newest run", "The newest run that ended, and how"),
        names.accepted_run: ("Accepted by", "The run that put this device in service"),
        names.accepted_at: ("Accepted at", "When"),
        names.report: ("Evidence", "SHA-256 of the burn-in report"),
    }
    items = [_field(name, *text, editable=True) for name, text in read.items()]
    items += [_field(name, *text, editable=False) for name, text in written.items()]
    gateway = _field(names.gateway, "Gateway", "Default gateway; the prefix's first address where empty", editable=True)
    items.append(Item(gateway.path, gateway.key, gateway.body | {"object_types": ["ipam.prefix"]}))
    tag = {"name": settings.protected_tag, "slug": settings.protected_tag, "color": "f44336"}
    items.append(
        Item("extras/tags", "slug", tag | {"description": "bringup never wipes or stops a device that has it"})
    )
    link = {
        "name": "bringup",
        "object_types": ["dcim.device"],
        "enabled": True,
        "link_text": "bringup: {{ object.cf." + names.state + " or 'no run' }}",
        "link_url": "/dcim/devices/{{ object.pk }}/journal/",
    }
    items.append(Item("extras/custom-links", "name", link))
    hook = {
        "name": HOOK,
        "payload_url": hook_url.rstrip("/") + PATH,
        "http_method": "POST",
        "http_content_type": "application/json",
        "secret": secret,
        "ssl_verification": True,
    }
    items.append(Item("extras/webhooks", "name", hook))
    rule = {
        "name": HOOK,
        "object_types": sorted(RELEVANT - {"dcim.cabletermination", "extras.tag"}),
        "event_types": ["object_created", "object_deleted", "object_updated"],
        "enabled": True,
        "action_type": "webhook",
        "action_object_type": "extras.webhook",
    }
    items.append(Item("extras/event-rules", "name", rule))
    return items


def permissions(settings: SyncSettings) -> list[dict[str, Any]]:
    """The object permissions of the run-time account, as NetBox's API takes them, without users and groups."""
    view = sorted((RELEVANT - {"dcim.cabletermination"}) | {"core.objectchange", "extras.journalentry"})
    ours = [{"role__slug__in": list(settings.roles), "site__slug__in": list(settings.sites)}]
    theirs = [{f"device__{name}": value for name, value in ours[0].items()}]
    return [
        _permission("bringup: read", view, ["view"], None),
        _permission("bringup: outcome", ["dcim.device"], ["change"], ours),
        _permission("bringup: journal", ["extras.journalentry"], ["add"], None),
        _permission("bringup: addresses", ["dcim.interface"], ["change"], theirs),
        _permission("bringup: parts", ["dcim.module"], ["view", "change"], theirs),
        _permission("bringup: items", ["dcim.inventoryitem"], ["view", "add", "change"], theirs),
        _permission("bringup: bays", ["dcim.modulebay"], ["view"], None),
        _permission("bringup: MACs", ["dcim.macaddress"], ["add"], None),
    ]


async def ensure(api: NetBoxApi, items: list[Item], *, dry_run: bool) -> list[str]:
    """Make and mend; returns a sentence for each change made, or that would be made. No sentence: all is as it should be.

    Raises:
        Unreachable: NetBox gave no answer; what was made stays.
        Refused: the token may not do this: it takes an administrator's.
    """
    said = []
    for item in items:
        body = dict(item.body)
        if item.path == "extras/event-rules":
            hooks = await api.rows("extras/webhooks", name=HOOK)
            body["action_object_id"] = hooks[0]["id"] if hooks else None
        found = [r for r in await api.rows(item.path, **{item.key: body[item.key]}) if r[item.key] == body[item.key]]
        if not found:
            said.append(f"create {item.name}")
            if not dry_run:
                await api.create(item.path, body)
            continue
        differing = _differing(found[0], body)
        if differing:
            said.append(f"change {item.name}: {', '.join(sorted(differing))}")
            if not dry_run:
                await api.update(item.path, found[0]["id"], differing)
    return said


def as_ticket(items: list[Item], settings: SyncSettings) -> str:
    """The same as text for NetBox's administrators; the webhook's secret isn't in it."""
    lines = ["Please make these objects in NetBox for bringup (POST each body to the path named):", ""]
    for item in items:
        body = {k: "(given to you separately)" if k == "secret" else v for k, v in item.body.items()}
        lines += [f"/api/{item.path}/", json.dumps(body, indent=2, ensure_ascii=False), ""]
    lines += [f"The event rule's action_object_id is the id of the webhook {HOOK!r}.", ""]
    lines += [f"And a user {settings.service_user!r} with a token that may write, and these permissions only:", ""]
    for permission in permissions(settings):
        lines += ["/api/users/permissions/", json.dumps(permission, indent=2), ""]
    return "\n".join(lines)


def _field(name: str, label: str, description: str, *, editable: bool) -> Item:
    body = {
        "name": name,
        "label": label,
        "description": description,
        "group_name": "bringup",
        "type": "text",
        "object_types": ["dcim.device"],
        "ui_editable": "yes" if editable else "no",
        "ui_visible": "always" if editable else "if-set",
    }
    return Item("extras/custom-fields", "name", body)


def _permission(name: str, types: list[str], actions: list[str], constraints: Any) -> dict[str, Any]:
    return {"name": name, "object_types": types, "actions": actions, "constraints": constraints, "enabled": True}


def _differing(row: Row, body: dict[str, Any]) -> dict[str, Any]:
    """What has to be written. A custom field that people made (not of our group) only gains the object type."""
    if "object_types" in body and "group_name" in body:
        body = body | {"object_types": sorted({*body["object_types"], *row["object_types"]})}
        if row["group_name"] != body["group_name"]:
            body = {"object_types": body["object_types"]}
    return {name: value for name, value in body.items() if _shown(row, name) != value}


def _shown(row: Row, name: str) -> Any:
    """A field as it would be written: a choice by its value, lists of names in their order."""
    value = row.get(name)
    if isinstance(value, dict) and "value" in value:
        return value["value"]
    return sorted(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else value
