"""The machine and its BMC as Redfish bodies: pure functions of their state.

Property names are those of the DMTF schemas (ComputerSystem v1_20, Manager v1_18, ServiceRoot v1_15, ActionInfo v1_3).
"""

from dataclasses import dataclass

from lab.bmc.bodies import ROOT, Body, collection, link, listed, resource
from lab.bmc.sessions import Session
from lab.bmc.state import Override
from lab.bmc.traits import Traits
from workflows.model.record import Json

SYSTEMS = f"{ROOT}/Systems"
MANAGERS = f"{ROOT}/Managers"
CHASSIS = f"{ROOT}/Chassis"
SESSION_SERVICE = f"{ROOT}/SessionService"
SESSIONS = f"{SESSION_SERVICE}/Sessions"
BASEBOARD = f"{SYSTEMS}/HGX_Baseboard_0"


@dataclass(frozen=True, slots=True)
class View:
    """What the bodies are made from."""

    traits: Traits
    serial: str
    uuid: str
    macs: tuple[str, ...]
    power: str
    post: bool
    override: Override
    etag: str | None
    pulled: tuple[str, ...] = ()
    slowed: tuple[str, ...] = ()


def system_path(traits: Traits) -> str:
    """The machine's System."""
    return f"{SYSTEMS}/{traits.system_id}"


def manager_path(traits: Traits) -> str:
    """The BMC itself."""
    return f"{MANAGERS}/{traits.manager_id}"


def chassis_path(traits: Traits) -> str:
    """The machine's chassis."""
    return f"{CHASSIS}/{traits.chassis_id}"


def boot_path(traits: Traits) -> str:
    """The resource that takes boot changes."""
    return f"{system_path(traits)}/{traits.settings_id}" if traits.settings else system_path(traits)


def tree(view: View, sessions: tuple[Session, ...]) -> dict[str, Body]:
    """All resources by path, without those of the parts and of the services."""
    traits, system = view.traits, system_path(view.traits)
    interfaces = [
        resource(
            f"{system}/EthernetInterfaces/{n}", "EthernetInterface.v1_8_0", f"NIC {n}",
            MACAddress=mac.upper(), PermanentMACAddress=mac.upper(),
        )
        for n, mac in enumerate(view.macs)
    ]  # fmt: skip
    bodies: dict[str, Body] = {
        ROOT: _root(view),
        SYSTEMS: collection(SYSTEMS, "ComputerSystem", _systems(traits)),
        system: _system(view),
        **listed(f"{system}/EthernetInterfaces", "EthernetInterface", interfaces),
        **listed(MANAGERS, "Manager", [_manager(view)]),
    }
    if traits.settings:
        path = boot_path(traits)
        pending = resource(path, "ComputerSystem.v1_20_0", "Pending settings", Boot=_boot(view, allowable=True))
        bodies[path] = _tagged(pending, view.etag)
    if traits.action_info:
        bodies[f"{system}/ResetActionInfo"] = _action_info(f"{system}/ResetActionInfo", traits.reset_types)
    if traits.baseboard:
        bodies[BASEBOARD] = resource(
            BASEBOARD, "ComputerSystem.v1_20_0", "GPU baseboard",
            SystemType="Physical", Manufacturer=traits.vendor, SerialNumber=f"{view.serial}-HGX", PowerState=view.power,
            Processors=link(f"{BASEBOARD}/Processors"),
        )  # fmt: skip
    if traits.sessions:
        service = resource(
            SESSION_SERVICE, "SessionService.v1_1_8", "Session Service",
            ServiceEnabled=True, SessionTimeout=int(traits.session_idle), Sessions=link(SESSIONS),
        )  # fmt: skip
        bodies |= {SESSION_SERVICE: service} | listed(SESSIONS, "Session", [session_body(s) for s in sessions])
    return bodies


def session_body(session: Session) -> Body:
    """One session; its token is in no body."""
    return resource(f"{SESSIONS}/{session.id}", "Session.v1_7_0", "User session", UserName=session.user)


def _root(view: View) -> Body:
    traits = view.traits
    body = resource(
        ROOT, "ServiceRoot.v1_15_0", "Root Service",
        RedfishVersion="1.18.0", UUID=view.uuid, Systems=link(SYSTEMS), Managers=link(MANAGERS), Chassis=link(CHASSIS),
        AccountService=link(f"{ROOT}/AccountService"), UpdateService=link(f"{ROOT}/UpdateService"),
        Tasks=link(f"{ROOT}/TaskService"), EventService=link(f"{ROOT}/EventService"), Links={},
    )  # fmt: skip
    if traits.root_vendor is not None:
        body["Vendor"] = traits.root_vendor
    if traits.oem is not None:
        body["Oem"] = {traits.oem: {}}
    if traits.sessions:
        body["SessionService"] = link(SESSION_SERVICE)
        body["Links"] = {"Sessions": link(SESSIONS)}
    return body


def _systems(traits: Traits) -> tuple[str, ...]:
    return (BASEBOARD, system_path(traits)) if traits.baseboard else (system_path(traits),)


def _system(view: View) -> Body:
    traits, path = view.traits, system_path(view.traits)
    reset: Body = {"target": f"{path}/Actions/ComputerSystem.Reset"}
    if traits.action_info:
        reset["@Redfish.ActionInfo"] = f"{path}/ResetActionInfo"
    else:
        reset["ResetType@Redfish.AllowableValues"] = list(traits.reset_types)
    body = resource(
        path, "ComputerSystem.v1_20_0", "System",
        SystemType="Physical", UUID=view.uuid, PowerState=view.power, Status={"State": "Enabled", "Health": "OK"},
        Boot=_boot(view, allowable=not traits.settings),
        BootProgress={"LastState": _progress(view)},
        Processors=link(f"{path}/Processors"), Memory=link(f"{path}/Memory"), Storage=link(f"{path}/Storage"),
        SimpleStorage=link(f"{path}/SimpleStorage"), EthernetInterfaces=link(f"{path}/EthernetInterfaces"),
        LogServices=link(f"{path}/LogServices"), Bios=link(f"{path}/Bios"), SecureBoot=link(f"{path}/SecureBoot"),
        VirtualMedia=link(f"{path}/VirtualMedia"),
        Links={"ManagedBy": [link(manager_path(traits))], "Chassis": [link(chassis_path(traits))]},
        Actions={"#ComputerSystem.Reset": reset},
    )  # fmt: skip
    if traits.serial_at != "chassis":
        board = "BOARD-" + view.serial if traits.serial_at == "SKU" else view.serial
        body |= {
            "Manufacturer": traits.vendor,
            "Model": traits.model,
            "SerialNumber": board,
            traits.serial_at: view.serial,
        }
    if traits.settings:
        pointer: Body = {"@odata.type": "#Settings.v1_3_5.Settings", "SettingsObject": link(boot_path(traits))}
        return body | {"@Redfish.Settings": pointer}
    return _tagged(body, view.etag)


def _progress(view: View) -> str:
    if view.power != "On":
        return "None"
    return "SystemHardwareInitializationComplete" if view.post else "OSRunning"


def _boot(view: View, *, allowable: bool) -> Body:
    boot: Body = {
        "BootSourceOverrideEnabled": view.override.enabled,
        "BootSourceOverrideTarget": view.override.target,
        "BootSourceOverrideMode": view.override.mode,
    }
    if allowable:
        boot["BootSourceOverrideTarget@Redfish.AllowableValues"] = list(view.traits.boot_targets)
        boot["BootSourceOverrideEnabled@Redfish.AllowableValues"] = ["Disabled", "Once", "Continuous"]
        boot["BootSourceOverrideMode@Redfish.AllowableValues"] = ["UEFI", "Legacy"]
    return boot


def _manager(view: View) -> Body:
    path, system = manager_path(view.traits), system_path(view.traits)
    reset: Json = {
        "target": f"{path}/Actions/Manager.Reset",
        "ResetType@Redfish.AllowableValues": ["GracefulRestart", "ForceRestart"],
    }
    return resource(
        path, "Manager.v1_18_0", "BMC",
        ManagerType="BMC", FirmwareVersion=view.traits.parts.firmware[0][1], Links={"ManagerForServers": [link(system)]},
        VirtualMedia=link(f"{system}/VirtualMedia"), Actions={"#Manager.Reset": reset},
    )  # fmt: skip


def _action_info(path: str, values: tuple[str, ...]) -> Body:
    parameter: Json = {"Name": "ResetType", "DataType": "String", "Required": True, "AllowableValues": list(values)}
    return resource(path, "ActionInfo.v1_3_0", "Reset Action Info", Parameters=[parameter])


def _tagged(body: Body, etag: str | None) -> Body:
    return body if etag is None else body | {"@odata.etag": etag}
