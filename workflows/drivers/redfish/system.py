"""Reads Redfish bodies: the right System, who it is, how it stands, and what may be asked of it. Pure.

Schema facts are DMTF's ComputerSystem (DSP8010); what vendors do differently was read from recorded trees and says so.
"""

import uuid
from collections.abc import Iterable

from workflows.engine.ports import BootTarget, Power
from workflows.model.errors import Unsupported
from workflows.model.record import Json

type Body = dict[str, Json]

MAX_MEMBERS = 32
"""Members of a collection that are read; the most interfaces recorded on one machine are 11."""

RESET = "#ComputerSystem.Reset"
_NETWORK = ("UefiHttp", "Pxe")
_RESETS = {Power.ON: ("On", "ForceOn"), Power.OFF: ("ForceOff",)}
_POWER = {"On": Power.ON, "Off": Power.OFF}
_SERVICE_TAG = frozenset({"dell inc.", "dell"})


def members(collection: Body) -> list[str]:
    """The paths of a collection's members, at most MAX_MEMBERS."""
    listed = collection.get("Members")
    paths = [link(m) for m in listed[:MAX_MEMBERS]] if isinstance(listed, list) else []
    return [p for p in paths if p is not None]


def link(value: Json) -> str | None:
    """The path in ``{"@odata.id": …}``."""
    path = value.get("@odata.id") if isinstance(value, dict) else None
    return path if isinstance(path, str) and path.startswith("/redfish/") and len(path) < 500 else None


def is_baseboard(path: str) -> bool:
    """Whether a System is an HGX GPU baseboard: it shares the BMC, stands first on some, and is no machine."""
    return path.rstrip("/").rsplit("/", 1)[-1].startswith("HGX_")


def choose_system(name: str, systems: Iterable[tuple[str, Body]]) -> tuple[str, Body]:
    """The one System that can be switched: it has a Reset action; a physical one wins over others.

    Raises:
        Unsupported: none, or several of the same kind.
    """
    able = [(p, b) for p, b in systems if not is_baseboard(p) and RESET in _dict(b, "Actions")]
    physical = [(p, b) for p, b in able if b.get("SystemType") == "Physical"]
    found = physical or able
    if len(found) != 1:
        paths = ", ".join(p for p, _ in found) or "none"
        raise Unsupported(f"{name} must show one System with a Reset action, it shows: {paths}")
    return found[0]


def serial_of(system: Body) -> str | None:
    """The serial as it is on the machine's label and in its SMBIOS; Dell's is the service tag, shown as SKU."""
    vendor = (_text(system, "Manufacturer") or "").lower()
    return (_text(system, "SKU") if vendor in _SERVICE_TAG else None) or _text(system, "SerialNumber")


def uuid_of(system: Body) -> str | None:
    """The UUID, lower case with dashes; None where there is none that is one."""
    try:
        return str(uuid.UUID(_text(system, "UUID") or ""))
    except ValueError:
        return None


def power_of(system: Body) -> Power:
    """The power now; UNKNOWN in transitions."""
    return _POWER.get(_text(system, "PowerState") or "", Power.UNKNOWN)


def mac_of(interface: Body) -> str | None:
    """An interface's MAC, the permanent one first, lower case with colons."""
    mac = _text(interface, "PermanentMACAddress") or _text(interface, "MACAddress")
    digits = (mac or "").lower().replace(":", "").replace("-", "")
    if len(digits) != 12 or set(digits) - set("0123456789abcdef"):
        return None
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def boot_of(resource: Body) -> BootTarget | None:
    """What the next boot will use by this resource's override.

    No override is DISK: the machine follows its own order, and whatever boots the network by that is sent to its disk.
    A network override that stays is neither (None), and so is a BMC that shows no override at all.
    """
    boot = _dict(resource, "Boot")
    enabled, target = boot.get("BootSourceOverrideEnabled"), boot.get("BootSourceOverrideTarget")
    if enabled == "Disabled" or target in ("None", "Hdd"):
        return BootTarget.DISK
    if enabled == "Once" and target in _NETWORK:
        return BootTarget.NETWORK_ONCE
    return None


def boot_patch(name: str, target: BootTarget, resource: Body) -> Body:
    """The change that sets the override, from the values that the BMC says this resource takes.

    Network is UefiHttp where it is offered and the machine isn't in legacy mode, else Pxe.

    Raises:
        Unsupported: no such value is offered.
    """
    targets = _allowed(resource, "BootSourceOverrideTarget")
    if target is BootTarget.DISK:
        wanted: Body = {"BootSourceOverrideEnabled": "Disabled"}
        return {"Boot": wanted | ({"BootSourceOverrideTarget": "None"} if not targets or "None" in targets else {})}
    if "Once" not in (_allowed(resource, "BootSourceOverrideEnabled") or ["Once"]):
        raise Unsupported(f"{name} offers no boot override for one boot only")
    legacy = _dict(resource, "Boot").get("BootSourceOverrideMode") == "Legacy"
    for network in _NETWORK:
        if network in (targets or ["Pxe"]) and not (legacy and network == "UefiHttp"):
            return {"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": network}}
    raise Unsupported(f"{name} offers no network boot, only {', '.join(targets)[:200]}")


def reset_target(name: str, resource: Body, action: str) -> str:
    """The path that an action is posted to. Raises Unsupported."""
    target = _dict(_dict(resource, "Actions"), action).get("target")
    if not isinstance(target, str) or not target.startswith("/redfish/"):
        raise Unsupported(f"{name} offers no {action.removeprefix('#')}")
    return target


def action_info(resource: Body, action: str) -> str | None:
    """The path of the action's parameters, where they are not inline."""
    declared = _dict(_dict(resource, "Actions"), action)
    if "ResetType@Redfish.AllowableValues" in declared:
        return None
    path = declared.get("@Redfish.ActionInfo")
    return path if isinstance(path, str) and path.startswith("/redfish/") else None


def reset_values(resource: Body, action: str, info: Body) -> list[str]:
    """The ResetTypes that are offered, inline or by ActionInfo; empty where the BMC says nothing."""
    inline = _texts(_dict(_dict(resource, "Actions"), action).get("ResetType@Redfish.AllowableValues"))
    if inline:
        return inline
    parameters = info.get("Parameters")
    for parameter in parameters if isinstance(parameters, list) else []:
        if isinstance(parameter, dict) and parameter.get("Name") == "ResetType":
            return _texts(parameter.get("AllowableValues"))
    return []


def reset_type(name: str, wanted: Power, offered: list[str]) -> str:
    """The ResetType that brings this power for sure. Raises Unsupported."""
    for value in _RESETS.get(wanted, ()):
        if not offered or value in offered:
            return value
    raise Unsupported(f"{name} offers no way to power {wanted}, only {', '.join(offered)[:200]}")


def heading_to(system: Body, wanted: Power) -> bool:
    """Whether the machine is in that state or on its way."""
    return system.get("PowerState") in {Power.ON: ("On", "PoweringOn"), Power.OFF: ("Off", "PoweringOff")}[wanted]


def settings_path(system: Body) -> str | None:
    """The resource that takes changes, where the System points to one."""
    return link(_dict(system, "@Redfish.Settings").get("SettingsObject"))


def interfaces_path(system: Body) -> str | None:
    """The collection of the machine's interfaces."""
    return link(system.get("EthernetInterfaces"))


def manager_path(system: Body) -> str | None:
    """The BMC that manages the System."""
    managers = _dict(system, "Links").get("ManagedBy")
    return link(managers[0]) if isinstance(managers, list) and managers else None


def _allowed(resource: Body, name: str) -> list[str]:
    return _texts(_dict(resource, "Boot").get(f"{name}@Redfish.AllowableValues"))


def _dict(body: Body, key: str) -> Body:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _text(body: Body, key: str) -> str | None:
    value = body.get(key)
    return value.strip()[:200] or None if isinstance(value, str) else None


def _texts(value: Json) -> list[str]:
    return [v for v in value[:100] if isinstance(v, str)] if isinstance(value, list) else []
