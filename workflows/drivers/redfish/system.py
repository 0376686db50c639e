"""Reads a System: the right one of several, who it is, how it stands, and what may be asked of it. Pure.

Schema facts are DMTF's ComputerSystem (DSP8010); what vendors do differently was read from recorded trees and says so.
"""

import uuid
from collections.abc import Sequence

from workflows.drivers.redfish.body import Body, link, links, part, text, texts
from workflows.drivers.redfish.quirks import Quirks
from workflows.engine.ports import BootTarget, Power
from workflows.model.errors import Unsupported
from workflows.model.hardware import PLACEHOLDER_UUIDS, BootShown, OtherSystem, real_serial
from workflows.model.profile import BootWay

RESET = "#ComputerSystem.Reset"
_TARGETS = {BootWay.HTTP: "UefiHttp", BootWay.PXE: "Pxe", BootWay.MEDIA: "Cd"}
_WAYS = {target: way for way, target in _TARGETS.items()}
_RESETS = {Power.ON: ("On", "ForceOn"), Power.OFF: ("ForceOff",)}
_LACKS = ("it is not physical", "it has no boot override", "it has no BIOS")
_POWER = {"On": Power.ON, "Off": Power.OFF}


def is_baseboard(path: str) -> bool:
    """Whether a System is an HGX GPU baseboard: it shares the BMC, stands first on some, and is no machine."""
    return path.rstrip("/").rsplit("/", 1)[-1].startswith("HGX_")


def choose_system(name: str, systems: Sequence[tuple[str, Body]]) -> tuple[str, str, tuple[OtherSystem, ...]]:
    """The one System that is the machine, why it is, and why the others aren't.

    It has a Reset action and is no GPU baseboard; of several, a physical one wins over others, one that can be told what to
    boot over one that can't, and one with a BIOS over one without.

    Raises:
        Unsupported: none, or several that can't be told apart.
    """
    others = {p: "a GPU baseboard, no machine" for p, _ in systems if is_baseboard(p)}
    others |= {p: "it has no Reset action" for p, b in systems if p not in others and RESET not in part(b, "Actions")}
    able = {p: _rank(b) for p, b in systems if p not in others}
    best = [p for p, rank in able.items() if rank == max(able.values())]
    if len(best) != 1:
        shown = ", ".join(best) or ", ".join(f"{p} ({why})" for p, why in others.items()) or "none at all"
        raise Unsupported(
            f"{name} must show one System that can be switched, it shows {shown}: one BMC for several machines is not "
            "supported"
            if best
            else f"{name} must show one System with a Reset action, it shows {shown}: is this account allowed to see it?"
        )
    others |= {
        p: next(why for has, why in zip(rank, _LACKS, strict=True) if not has)
        for p, rank in able.items()
        if p != best[0]
    }
    why = (
        "the only System"
        if not others
        else f"of {len(systems)} Systems the one that has a Reset action and is no baseboard"
    )
    return best[0], why, tuple(OtherSystem(path=p, why=w) for p, w in others.items())


def _rank(system: Body) -> tuple[bool, bool, bool]:
    bios = "Bios" in system or text(system, "BiosVersion") is not None
    return system.get("SystemType") == "Physical", bool(part(system, "Boot")), bios


def serial_of(system: Body, quirks: Quirks) -> str | None:
    """The serial as it is on the machine's label and in its SMBIOS; None where it is missing or a placeholder."""
    return real_serial(text(system, quirks.serial)) or real_serial(text(system, "SerialNumber"))


def uuid_of(system: Body) -> str | None:
    """The UUID, lower case with dashes; None where there is none that is one, or where many boards share it."""
    try:
        found = str(uuid.UUID(text(system, "UUID") or ""))
    except ValueError:
        return None
    return None if found in PLACEHOLDER_UUIDS else found


def power_of(system: Body) -> Power:
    """The power now; UNKNOWN in transitions."""
    return _POWER.get(text(system, "PowerState") or "", Power.UNKNOWN)


def boot_of(resource: Body) -> BootTarget | None:
    """What the next boot will use by this resource's override.

    No override is DISK: the machine follows its own order, and whatever boots the network by that is sent to its disk.
    A network override that stays is neither (None), and so is a BMC that shows no override at all.
    """
    boot = part(resource, "Boot")
    enabled, target = boot.get("BootSourceOverrideEnabled"), boot.get("BootSourceOverrideTarget")
    if enabled == "Disabled" or target in ("None", "Hdd"):
        return BootTarget.DISK
    if enabled == "Once" and target in _WAYS:
        return BootTarget.NETWORK_ONCE
    return None


def way_of(resource: Body) -> BootWay | None:
    """By which way the one network boot is that this resource shows."""
    once = boot_of(resource) is BootTarget.NETWORK_ONCE
    return _WAYS[str(part(resource, "Boot")["BootSourceOverrideTarget"])] if once else None


def ways_of(resource: Body, quirks: Quirks, media: str | None) -> tuple[BootWay, ...]:
    """The ways that are offered: no UEFI HTTP boot in legacy mode, virtual media only where there is some."""
    targets = _allowed(resource, "BootSourceOverrideTarget") or ["Pxe"]
    legacy = (quirks.mode or part(resource, "Boot").get("BootSourceOverrideMode")) == "Legacy"
    missing = {BootWay.HTTP} if legacy else set()
    missing |= {BootWay.MEDIA} if media is None else set()
    return tuple(way for way, target in _TARGETS.items() if target in targets and way not in missing)


def progress_of(system: Body) -> str:
    """How far the POST has come: BootProgress (ComputerSystem v1.13), or HPE's PostState (iLO's API reference)."""
    progress, hpe = part(system, "BootProgress"), part(part(system, "Oem"), "Hpe")
    return text(progress, "LastState") or text(hpe, "PostState") or ""


def network_target(resource: Body, quirks: Quirks) -> str | None:
    """The target of a network boot by the first way that is offered without an image."""
    return next((_TARGETS[way] for way in ways_of(resource, quirks, None)), None)


def boot_patch(
    name: str, target: BootTarget, resource: Body, quirks: Quirks, way: BootWay | None = None, media: str | None = None
) -> Body:
    """The change that sets the override, from the values that the BMC says this resource takes.

    Raises:
        Unsupported: no such value is offered.
    """
    targets = _allowed(resource, "BootSourceOverrideTarget")
    boot: Body = {} if quirks.mode is None else {"BootSourceOverrideMode": quirks.mode}
    if target is BootTarget.DISK:
        boot["BootSourceOverrideEnabled"] = "Disabled"
        if not targets or "None" in targets:
            boot["BootSourceOverrideTarget"] = "None"
        return {"Boot": boot}
    if "Once" not in (_allowed(resource, "BootSourceOverrideEnabled") or ["Once"]):
        raise Unsupported(f"{name} offers no boot override for one boot only")
    network = network_target(resource, quirks) if way is None else _TARGETS[way]
    if network is None or (way is not None and way not in ways_of(resource, quirks, media)):
        raise Unsupported(f"{name} offers no {way or 'network boot'}, only {', '.join(targets)[:200]}")
    return {"Boot": boot | {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": network}}


def boot_shown(system: Body, settings: Body | None, path: str | None, quirks: Quirks) -> BootShown:
    """The override as the BMC shows it; what is allowed stands in the settings object where there is one."""
    boot, takes = part(system, "Boot"), settings if settings is not None else system
    pending = part(takes, "Boot")
    now = pending if pending.get("BootSourceOverrideEnabled") in ("Once", "Continuous") else boot
    return BootShown(
        enabled=text(now, "BootSourceOverrideEnabled"),
        target=text(now, "BootSourceOverrideTarget"),
        mode=text(now, "BootSourceOverrideMode") or text(boot, "BootSourceOverrideMode"),
        allowed=tuple(_allowed(takes, "BootSourceOverrideTarget") or _allowed(system, "BootSourceOverrideTarget")),
        network=network_target(takes, quirks),
        settings=path,
    )


def reset_target(name: str, resource: Body, action: str) -> str:
    """The path that an action is posted to. Raises Unsupported."""
    target = part(part(resource, "Actions"), action).get("target")
    if not isinstance(target, str) or not target.startswith("/redfish/"):
        raise Unsupported(f"{name} offers no {action.removeprefix('#')}")
    return target


def action_info(resource: Body, action: str) -> str | None:
    """The path of the action's parameters, where they are not inline."""
    declared = part(part(resource, "Actions"), action)
    if "ResetType@Redfish.AllowableValues" in declared:
        return None
    path = declared.get("@Redfish.ActionInfo")
    return path if isinstance(path, str) and path.startswith("/redfish/") else None


def reset_values(resource: Body, action: str, info: Body) -> list[str]:
    """The ResetTypes that are offered, inline or by ActionInfo; empty where the BMC says nothing."""
    inline = texts(part(part(resource, "Actions"), action).get("ResetType@Redfish.AllowableValues"))
    if inline:
        return inline
    parameters = info.get("Parameters")
    for parameter in parameters if isinstance(parameters, list) else []:
        if isinstance(parameter, dict) and parameter.get("Name") == "ResetType":
            return texts(parameter.get("AllowableValues"))
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
    return link(part(system, "@Redfish.Settings").get("SettingsObject"))


def takes_override(settings: Body) -> bool:
    """Whether a settings object takes the boot override: some (Dell's, Lenovo's) know the boot order alone."""
    return any(key.startswith("BootSourceOverride") for key in part(settings, "Boot"))


def manager_path(system: Body) -> str | None:
    """The BMC that manages the System."""
    return next(iter(links(part(system, "Links").get("ManagedBy"))), None)


def _allowed(resource: Body, name: str) -> list[str]:
    return texts(part(resource, "Boot").get(f"{name}@Redfish.AllowableValues"))
