"""The resource tree of a lab BMC as Redfish bodies: pure functions of its state.

Property names are those of the DMTF schemas (ComputerSystem v1_20, Manager v1_18, ServiceRoot v1_15, ActionInfo v1_3).
"""

from dataclasses import dataclass

from lab.bmc.sessions import Session
from lab.bmc.state import Override
from lab.bmc.traits import Traits
from workflows.model.record import Json

ROOT = "/redfish/v1"
SYSTEMS = f"{ROOT}/Systems"
MANAGERS = f"{ROOT}/Managers"
MANAGER = f"{MANAGERS}/BMC"
MANAGER_RESET = f"{MANAGER}/Actions/Manager.Reset"
SESSION_SERVICE = f"{ROOT}/SessionService"
SESSIONS = f"{SESSION_SERVICE}/Sessions"
BASEBOARD = f"{SYSTEMS}/HGX_Baseboard_0"

type Body = dict[str, Json]


@dataclass(frozen=True, slots=True)
class View:
    """What the bodies are made from."""

    traits: Traits
    serial: str
    uuid: str
    macs: tuple[str, ...]
    power: str
    override: Override
    etag: str | None


def system_path(traits: Traits) -> str:
    """The machine's System."""
    return f"{SYSTEMS}/{traits.system_id}"


def boot_path(traits: Traits) -> str:
    """The resource that takes boot changes."""
    return f"{system_path(traits)}/Settings" if traits.settings else system_path(traits)


def tree(view: View, sessions: tuple[Session, ...]) -> dict[str, Body]:
    """All resources by path."""
    system = system_path(view.traits)
    bodies = {
        ROOT: _root(view),
        SYSTEMS: _collection(SYSTEMS, "ComputerSystemCollection", _members(view.traits)),
        system: _system(view),
        f"{system}/EthernetInterfaces": _collection(
            f"{system}/EthernetInterfaces",
            "EthernetInterfaceCollection",
            tuple(f"{system}/EthernetInterfaces/{n}" for n in range(len(view.macs))),
        ),
        MANAGERS: _collection(MANAGERS, "ManagerCollection", (MANAGER,)),
        MANAGER: _manager(view),
    }
    for number, mac in enumerate(view.macs):
        path = f"{system}/EthernetInterfaces/{number}"
        bodies[path] = {
            "@odata.id": path,
            "@odata.type": "#EthernetInterface.v1_8_0.EthernetInterface",
            "Id": str(number),
            "Name": f"NIC {number}",
            "MACAddress": mac.upper(),
            "PermanentMACAddress": mac.upper(),
        }
    if view.traits.settings:
        bodies[boot_path(view.traits)] = _tagged(
            {
                "@odata.id": boot_path(view.traits),
                "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
                "Id": "Settings",
                "Name": "Pending settings",
                "Boot": _boot(view, allowable=True),
            },
            view.etag,
        )
    if view.traits.action_info:
        bodies[f"{system}/ResetActionInfo"] = _action_info(f"{system}/ResetActionInfo", view.traits.reset_types)
    if view.traits.baseboard:
        bodies[BASEBOARD] = {
            "@odata.id": BASEBOARD,
            "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
            "Id": "HGX_Baseboard_0",
            "Name": "GPU baseboard",
            "SystemType": "Physical",
            "Manufacturer": view.traits.vendor,
            "SerialNumber": f"{view.serial}-HGX",
            "PowerState": view.power,
        }
    if view.traits.sessions:
        bodies |= _session_bodies(view.traits, sessions)
    return bodies


def session_body(session: Session) -> Body:
    """One session; its token is in no body."""
    return {
        "@odata.id": f"{SESSIONS}/{session.id}",
        "@odata.type": "#Session.v1_7_0.Session",
        "Id": session.id,
        "Name": "User session",
        "UserName": session.user,
    }


def error_body(code: str, message: str) -> Body:
    """A Redfish error with one extended message."""
    info: Json = [{"MessageId": f"Base.1.18.{code}", "Message": message}]
    return {"error": {"code": f"Base.1.18.{code}", "message": message, "@Message.ExtendedInfo": info}}


def _root(view: View) -> Body:
    body: Body = {
        "@odata.id": ROOT,
        "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot",
        "Id": "RootService",
        "Name": "Root Service",
        "RedfishVersion": "1.18.0",
        "UUID": view.uuid,
        "Vendor": view.traits.vendor,
        "Systems": {"@odata.id": SYSTEMS},
        "Managers": {"@odata.id": MANAGERS},
        "Links": {},
    }
    if view.traits.sessions:
        body["SessionService"] = {"@odata.id": SESSION_SERVICE}
        body["Links"] = {"Sessions": {"@odata.id": SESSIONS}}
    return body


def _members(traits: Traits) -> tuple[str, ...]:
    return (BASEBOARD, system_path(traits)) if traits.baseboard else (system_path(traits),)


def _system(view: View) -> Body:
    path = system_path(view.traits)
    reset: Body = {"target": f"{path}/Actions/ComputerSystem.Reset"}
    if view.traits.action_info:
        reset["@Redfish.ActionInfo"] = f"{path}/ResetActionInfo"
    else:
        reset["ResetType@Redfish.AllowableValues"] = list(view.traits.reset_types)
    body: Body = {
        "@odata.id": path,
        "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
        "Id": view.traits.system_id,
        "Name": "System",
        "SystemType": "Physical",
        "Manufacturer": view.traits.vendor,
        "Model": view.traits.model,
        "SerialNumber": view.serial,
        "UUID": view.uuid,
        "PowerState": view.power,
        "Status": {"State": "Enabled", "Health": "OK"},
        "Boot": _boot(view, allowable=not view.traits.settings),
        "EthernetInterfaces": {"@odata.id": f"{path}/EthernetInterfaces"},
        "Links": {"ManagedBy": [{"@odata.id": MANAGER}]},
        "Actions": {"#ComputerSystem.Reset": reset},
    }
    if view.traits.settings:
        body["@Redfish.Settings"] = {
            "@odata.type": "#Settings.v1_3_5.Settings",
            "SettingsObject": {"@odata.id": boot_path(view.traits)},
        }
        return body
    return _tagged(body, view.etag)


def _boot(view: View, *, allowable: bool) -> Body:
    boot: Body = {
        "BootSourceOverrideEnabled": view.override.enabled,
        "BootSourceOverrideTarget": view.override.target,
        "BootSourceOverrideMode": "UEFI",
    }
    if allowable:
        boot["BootSourceOverrideTarget@Redfish.AllowableValues"] = list(view.traits.boot_targets)
        boot["BootSourceOverrideEnabled@Redfish.AllowableValues"] = ["Disabled", "Once", "Continuous"]
    return boot


def _manager(view: View) -> Body:
    return {
        "@odata.id": MANAGER,
        "@odata.type": "#Manager.v1_18_0.Manager",
        "Id": "BMC",
        "Name": "BMC",
        "ManagerType": "BMC",
        "FirmwareVersion": "lab",
        "Links": {"ManagerForServers": [{"@odata.id": system_path(view.traits)}]},
        "Actions": {
            "#Manager.Reset": {
                "target": MANAGER_RESET,
                "ResetType@Redfish.AllowableValues": ["GracefulRestart", "ForceRestart"],
            }
        },
    }


def _action_info(path: str, values: tuple[str, ...]) -> Body:
    return {
        "@odata.id": path,
        "@odata.type": "#ActionInfo.v1_3_0.ActionInfo",
        "Id": "ResetActionInfo",
        "Name": "Reset Action Info",
        "Parameters": [
            {"Name": "ResetType", "DataType": "String", "Required": True, "AllowableValues": list(values)},
        ],
    }


def _session_bodies(traits: Traits, sessions: tuple[Session, ...]) -> dict[str, Body]:
    bodies: dict[str, Body] = {
        SESSION_SERVICE: {
            "@odata.id": SESSION_SERVICE,
            "@odata.type": "#SessionService.v1_1_8.SessionService",
            "Id": "SessionService",
            "Name": "Session Service",
            "ServiceEnabled": True,
            "SessionTimeout": int(traits.session_idle),
            "Sessions": {"@odata.id": SESSIONS},
        },
        SESSIONS: _collection(SESSIONS, "SessionCollection", tuple(f"{SESSIONS}/{s.id}" for s in sessions)),
    }
    for session in sessions:
        bodies[f"{SESSIONS}/{session.id}"] = session_body(session)
    return bodies


def _collection(path: str, kind: str, members: tuple[str, ...]) -> Body:
    return {
        "@odata.id": path,
        "@odata.type": f"#{kind}.{kind}",
        "Name": kind,
        "Members": [{"@odata.id": member} for member in members],
        "Members@odata.count": len(members),
    }


def _tagged(body: Body, etag: str | None) -> Body:
    return body if etag is None else body | {"@odata.etag": etag}
