"""Redfish trees of machines that nobody here has seen, made up by the vendors' public documentation.

They have what a driver can trip over: where the serial stands, which resource takes the override, what is listed that isn't
there, which System is the machine. Sources: Dell, "iDRAC9 Redfish API Guide" (System.Embedded.1, FirmwareInventory ids,
GPUs as ``Video.Slot``); HPE, "iLO 6 resource definitions" (a slash at each path's end, numbers as ids, GPUs as PCIe
devices); Lenovo, "XCC REST API Guide" (``/Systems/1/Pending``, ``ToManager``, weak ETags); NVIDIA's and Supermicro's HGX
documentation (``HGX_Baseboard_0`` beside the host's System); bmcweb's sources for GH200.
"""

from collections.abc import Callable, Iterable
from typing import Any

from lab.bmc.bodies import ROOT, link, listed, resource

type Bodies = dict[str, dict[str, Any]]

ENABLED = {"State": "Enabled", "Health": "OK"}
ABSENT = {"State": "Absent"}


def _root(**more: Any) -> Bodies:
    return {
        ROOT: {
            "@odata.id": f"{ROOT}/",
            "Id": "RootService",
            "RedfishVersion": "1.17.0",
            "Systems": link(f"{ROOT}/Systems"),
            "Chassis": link(f"{ROOT}/Chassis"),
            "Managers": link(f"{ROOT}/Managers"),
            "UpdateService": link(f"{ROOT}/UpdateService"),
            "SessionService": link(f"{ROOT}/SessionService"),
            "Links": {"Sessions": link(f"{ROOT}/SessionService/Sessions")},
        }
        | more,
        f"{ROOT}/SessionService": {"@odata.id": f"{ROOT}/SessionService", "SessionTimeout": 1800},
        f"{ROOT}/UpdateService": {"FirmwareInventory": link(f"{ROOT}/UpdateService/FirmwareInventory")},
    }


def _boot(*targets: str, **more: Any) -> dict[str, Any]:
    return {
        "BootSourceOverrideEnabled": "Disabled",
        "BootSourceOverrideTarget": "None",
        "BootSourceOverrideMode": "UEFI",
        "BootSourceOverrideTarget@Redfish.AllowableValues": list(targets),
    } | more


def _reset(system: str, *values: str) -> dict[str, Any]:
    target = f"{system}/Actions/ComputerSystem.Reset"
    return {"#ComputerSystem.Reset": {"target": target, "ResetType@Redfish.AllowableValues": list(values)}}


def _bios(system: str) -> Bodies:
    path = f"{system}/Bios"
    return {path: resource(path, "Bios.v1_2_0", "BIOS Configuration", Attributes={"ProcVirtualization": "Enabled"})}


def _firmware(versions: Iterable[tuple[str, str, str]]) -> Bodies:
    path = f"{ROOT}/UpdateService/FirmwareInventory"
    return listed(
        path,
        "SoftwareInventory",
        [resource(f"{path}/{i}", "SoftwareInventory.v1_7_0", name, Version=v) for i, name, v in versions],
    )


def _gpus(below: str, names: Iterable[str], model: str) -> list[dict[str, Any]]:
    return [
        resource(
            f"{below}/{name}", "Processor.v1_20_0", name, ProcessorType="GPU", Manufacturer="NVIDIA", Model=model,
            SerialNumber=f"165292300{n:04}", PartNumber="2330-885-A1", FirmwareVersion="96.00.89.00.01", Status=ENABLED,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip


def _drives(below: str, names: Iterable[str], *, slash: str = "") -> tuple[list[Any], Bodies]:
    drives = {
        f"{below}/{name}": resource(
            f"{below}/{name}", "Drive.v1_18_0", name, Model="MZQL23T8HCLS-00A07", SerialNumber=f"S64HNE0T{n:04}",
            CapacityBytes=3_840_755_982_336, Revision="GDC5602Q", Status=ENABLED,
        )
        for n, name in enumerate(names)
    }  # fmt: skip
    return [link(path + slash) for path in drives], drives


def _adapter(path: str, model: str, mac: str, *, serial: str = "MT2331X00001") -> Bodies:
    functions = f"{path}/NetworkDeviceFunctions"
    function = resource(
        f"{functions}/1", "NetworkDeviceFunction.v1_9_0", "Function",
        NetDevFuncType="Ethernet", Ethernet={"MACAddress": mac, "PermanentMACAddress": mac},
    )  # fmt: skip
    adapter = resource(
        path, "NetworkAdapter.v1_9_0", "Network Adapter", Model=model, SerialNumber=serial, Status=ENABLED,
        Controllers=[{"FirmwarePackageVersion": "28.39.1002"}], NetworkDeviceFunctions=link(functions),
    )  # fmt: skip
    return listed(functions, "NetworkDeviceFunction", [function]) | {path: adapter}


def dell() -> Bodies:
    """PowerEdge XE9680 with iDRAC9: service tag in SKU, a settings object that knows the boot order alone."""
    system, chassis, manager = (
        f"{ROOT}/{kind}"
        for kind in ("Systems/System.Embedded.1", "Chassis/System.Embedded.1", "Managers/iDRAC.Embedded.1")
    )
    drives, drive_bodies = _drives(
        f"{system}/Storage/CPU.1/Drives", [f"Disk.Bay.{n}:Enclosure.Internal.0-1" for n in range(8)]
    )
    body = resource(
        system, "ComputerSystem.v1_20_1", "System", SystemType="Physical", Manufacturer="Dell Inc.",
        Model="PowerEdge XE9680", SKU="7XYZAB3", SerialNumber="CNFCP0031K00AB", PowerState="On",
        UUID="4c4c4544-0058-5910-805a-b7c04f414233", BiosVersion="2.1.2", Bios=link(f"{system}/Bios"),
        Boot=_boot("None", "Pxe", "Floppy", "Cd", "Hdd", "BiosSetup", "Utilities", "UefiTarget", "SDCard", "UefiHttp",
                   BootOrder=["Boot0003", "Boot0001"], UefiTargetBootSourceOverride=None),
        Actions=_reset(system, "On", "ForceOff", "ForceRestart", "GracefulRestart", "GracefulShutdown",
                       "PushPowerButton", "Nmi", "PowerCycle"),
        Links={"Chassis": [link(chassis)], "ManagedBy": [link(manager)], "Oem": {"Dell": {}}},
        PCIeDevices=[link(f"{chassis}/PCIeDevices/3-0")], Processors=link(f"{system}/Processors"),
        Storage=link(f"{system}/Storage"),
        EthernetInterfaces=link(f"{system}/EthernetInterfaces"), LogServices=link(f"{manager}/LogServices"),
        VirtualMedia=link(f"{system}/VirtualMedia"),
    )  # fmt: skip
    body["@Redfish.Settings"] = {"SettingsObject": link(f"{system}/Settings"), "SupportedApplyTimes": ["OnReset"]}
    cpus = [
        resource(f"{system}/Processors/CPU.Socket.{n}", "Processor.v1_16_0", "CPU", ProcessorType="CPU", Status=ENABLED)
        for n in (1, 2)
    ]
    gpus = _gpus(f"{system}/Processors", [f"Video.Slot.2{n}-1" for n in range(1, 9)], "NVIDIA H100 80GB HBM3")
    interface = f"{system}/EthernetInterfaces/NIC.Embedded.1-1-1"
    mac = "C4:CB:E1:A1:B2:C0"
    return (
        _root(Vendor="Dell", Product="Integrated Dell Remote Access Controller", Oem={"Dell": {"ServiceTag": "7XYZAB3"}},
              ProtocolFeaturesSupported={"ExpandQuery": {"ExpandAll": True, "NoLinks": True, "MaxLevels": 1}})
        | listed(f"{ROOT}/Systems", "ComputerSystem", [body])
        | {f"{system}/Settings": resource(f"{system}/Settings", "ComputerSystem.v1_20_1", "System",
                                          Boot={"BootOrder": ["Boot0003", "Boot0001"]})}
        | listed(f"{system}/Processors", "Processor", cpus + gpus)
        | listed(f"{system}/Storage", "Storage", [resource(f"{system}/Storage/CPU.1", "Storage.v1_16_0", "CPU.1",
                                                           Drives=drives)])
        | drive_bodies
        | _bios(system)
        | listed(f"{system}/EthernetInterfaces", "EthernetInterface",
                 [resource(interface, "EthernetInterface.v1_9_0", "NIC", MACAddress=mac, PermanentMACAddress=mac)])
        | listed(f"{ROOT}/Chassis", "Chassis", [
            resource(chassis, "Chassis.v1_23_0", "Computer System Chassis", ChassisType="RackMount", SKU="7XYZAB3",
                     SerialNumber="CNFCP0031K00AB", Manufacturer="Dell Inc.", Model="PowerEdge XE9680",
                     NetworkAdapters=link(f"{chassis}/NetworkAdapters"), Links={"ComputerSystems": [link(system)]}),
            resource(f"{ROOT}/Chassis/Enclosure.Internal.0-1:NonRAID.Slot.1-1", "Chassis.v1_23_0", "BP",
                     ChassisType="Enclosure", Links={"ComputerSystems": [link(system)], "Drives": drives}),
        ])
        | listed(f"{chassis}/NetworkAdapters", "NetworkAdapter", [])
        | _adapter(f"{chassis}/NetworkAdapters/NIC.Embedded.1", "Broadcom Adv. Dual 25Gb Ethernet", mac)
        | _members(f"{chassis}/NetworkAdapters", "NIC.Embedded.1")
        | {manager: resource(manager, "Manager.v1_18_0", "Manager", FirmwareVersion="7.10.30.00",
                             LogServices=link(f"{manager}/LogServices"))}
        | _firmware([("Installed-159-2.1.2__BIOS.Setup.1-1", "BIOS", "2.1.2"),
                     ("Previous-159-1.9.0__BIOS.Setup.1-1", "BIOS", "1.9.0"),
                     ("Installed-25227-7.10.30.00__iDRAC.Embedded.1-1", "Integrated Dell Remote Access Controller",
                      "7.10.30.00")])
    )  # fmt: skip


def hpe() -> Bodies:
    """ProLiant DL380a Gen11 with iLO 6: each path ends in a slash, ids are numbers, GPUs are PCIe devices."""
    system, chassis, manager = f"{ROOT}/Systems/1", f"{ROOT}/Chassis/1", f"{ROOT}/Managers/1"
    drives, drive_bodies = _drives(f"{system}/Storage/DE009000/Drives", ["0", "1"], slash="/")
    body = resource(
        system, "ComputerSystem.v1_17_0", "Computer System", SystemType="Physical", Manufacturer="HPE",
        Model="ProLiant DL380a Gen11", SKU="P54903-B21", SerialNumber="MXQ3110ABC", PowerState="Off",
        UUID="39343550-3330-584D-5133-313130414243", BiosVersion="U58 v1.42 (06/20/2023)", Bios=link(f"{system}/Bios/"),
        Boot=_boot("None", "Cd", "Hdd", "Usb", "SDCard", "Utilities", "Diags", "BiosSetup", "Pxe", "UefiShell",
                   "UefiHttp", "UefiTarget"),
        Actions=_reset(f"{system}", "On", "ForceOff", "GracefulShutdown", "ForceRestart", "Nmi", "PushPowerButton"),
        Links={"Chassis": [link(f"{chassis}/")], "ManagedBy": [link(f"{manager}/")]},
        PCIeDevices=[link(f"{chassis}/PCIeDevices/{n}/") for n in (1, 2, 3, 4)],
        Storage=link(f"{system}/Storage/"), Processors=link(f"{system}/Processors/"),
        EthernetInterfaces=link(f"{system}/EthernetInterfaces/"),
        Oem={"Hpe": {"PostState": "PowerOff"}},
    )  # fmt: skip
    devices: Bodies = {}
    for n, (name, maker, vendor) in enumerate(
        (("NVIDIA H100 NVL", "NVIDIA", "0x10DE"),) * 2
        + (("Embedded Video Controller", "Matrox", "0x102B"), ("NS204i-u Boot Controller", "HPE", "0x1B4B")),
        1,
    ):
        path = f"{chassis}/PCIeDevices/{n}"
        kind = "DisplayController" if "Controller" not in name or "Video" in name else "MassStorageController"
        devices |= listed(
            f"{path}/PCIeFunctions",
            "PCIeFunction",
            [resource(f"{path}/PCIeFunctions/1", "PCIeFunction.v1_2_3", "F", DeviceClass=kind, VendorId=vendor)],
        )
        devices[path] = resource(
            path, "PCIeDevice.v1_9_0", name, Manufacturer=maker, SerialNumber=f"165312300{n:04}", Status=ENABLED,
            PartNumber="900-21010-0020-000", FirmwareVersion="96.00.61.00.01", PCIeFunctions=link(f"{path}/PCIeFunctions/"),
            Slot={"Location": {"PartLocation": {"ServiceLabel": f"PCI-E Slot {n}"}}},
        )  # fmt: skip
    mac = "88:e9:a4:01:02:03"
    bodies = (
        _root(Vendor="HPE", Product="ProLiant DL380a Gen11", Oem={"Hpe": {"Manager": [{"ManagerType": "iLO 6"}]}})
        | listed(f"{ROOT}/Systems", "ComputerSystem", [body])
        | listed(f"{system}/Processors", "Processor", [])
        | listed(f"{system}/Storage", "Storage", [resource(f"{system}/Storage/DE009000", "Storage.v1_13_0", "Storage",
                                                           Drives=drives)])
        | drive_bodies | _bios(system) | devices
        | listed(f"{system}/EthernetInterfaces", "EthernetInterface",
                 [resource(f"{system}/EthernetInterfaces/1", "EthernetInterface.v1_4_1", "1", MACAddress=mac.upper())])
        | listed(f"{ROOT}/Chassis", "Chassis", [
            resource(chassis, "Chassis.v1_19_0", "Computer System Chassis", ChassisType="RackMount",
                     SerialNumber="MXQ3110ABC", Manufacturer="HPE", Model="ProLiant DL380a Gen11",
                     NetworkAdapters=link(f"{chassis}/NetworkAdapters/"),
                     Links={"ComputerSystems": [link(f"{system}/")]}),
            resource(f"{ROOT}/Chassis/DE009000", "Chassis.v1_19_0", "NVMe", ChassisType="StorageEnclosure", Links={}),
        ])
        | _adapter(f"{chassis}/NetworkAdapters/DC07A000", "BCM57416", mac)
        | _members(f"{chassis}/NetworkAdapters", "DC07A000")
        | {manager: resource(manager, "Manager.v1_5_1", "Manager", FirmwareVersion="iLO 6 v1.53")}
        | _firmware([("1", "iLO 6", "1.53 Oct 11 2023"), ("2", "System ROM", "U58 v1.42 (06/20/2023)"),
                     ("3", "Redundant System ROM", "U58 v1.32 (03/23/2023)")])
    )  # fmt: skip
    for each in bodies.values():
        _end_in_slash(each)
    return bodies


def lenovo() -> Bodies:
    """ThinkSystem SR675 V3 with XCC: a settings object ``Pending`` without override, and the host's link to the BMC."""
    system, chassis, manager = f"{ROOT}/Systems/1", f"{ROOT}/Chassis/1", f"{ROOT}/Managers/1"
    drives, drive_bodies = _drives(f"{chassis}/Drives", ["Disk.0", "Disk.1"])
    body = resource(
        system, "ComputerSystem.v1_16_0", "ComputerSystem", SystemType="Physical", Manufacturer="Lenovo",
        Model="ThinkSystem SR675 V3", SKU="7D9RCTO1WW", SerialNumber="J900XYZ1", PowerState="On",
        UUID="A1B2C3D4-0F2E-11EE-8B3F-0A94EF112233", BiosVersion="KAE122J", Bios=link(f"{system}/Bios"),
        Boot=_boot("None", "Pxe", "Cd", "Usb", "Hdd", "BiosSetup", "Diags", "UefiTarget"),
        Actions={"#ComputerSystem.Reset": {"target": f"{system}/Actions/ComputerSystem.Reset",
                                           "@Redfish.ActionInfo": f"{system}/ResetActionInfo"}},
        Links={"Chassis": [link(chassis)], "ManagedBy": [link(manager)]},
        PCIeDevices=[link(f"{chassis}/PCIeDevices/{n}") for n in ("slot_1", "slot_3", "ob_1")],
        Storage=link(f"{system}/Storage"), Processors=link(f"{system}/Processors"),
        EthernetInterfaces=link(f"{system}/EthernetInterfaces"),
    ) | {"@odata.etag": 'W/"2cc0d5d1eab092f0"'}  # fmt: skip
    body["@Redfish.Settings"] = {"SettingsObject": link(f"{system}/Pending")}
    devices: Bodies = {}
    for name, model, kind in (("slot_1", "NVIDIA L40S", "DisplayController"), ("slot_3", "NVIDIA L40S", "DisplayController"),
                              ("ob_1", "OCP Ethernet", "NetworkController")):  # fmt: skip
        path = f"{chassis}/PCIeDevices/{name}"
        function = f"{path}/PCIeFunctions/{name}.00"
        devices[path] = resource(
            path, "PCIeDevice.v1_7_0", model, Manufacturer="NVIDIA" if "NVIDIA" in model else "Broadcom", Model=model,
            SerialNumber=f"13204230{name[-1]}", Links={"PCIeFunctions": [link(function)]},
        )  # fmt: skip
        devices[function] = resource(function, "PCIeFunction.v1_2_3", "F", DeviceClass=kind, VendorId="0x10DE")
    interfaces = [
        resource(f"{system}/EthernetInterfaces/{name}", "EthernetInterface.v1_6_0", name, MACAddress=mac)
        for name, mac in (("NIC1", "0A:94:EF:11:22:33"), ("ToManager", "7E:D3:0A:E2:B1:19"))
    ]
    return (
        _root(Vendor="Lenovo", Product="Lenovo XClarity Controller", Oem={"Lenovo": {}})
        | listed(f"{ROOT}/Systems", "ComputerSystem", [body])
        | {f"{system}/Pending": resource(f"{system}/Pending", "ComputerSystem.v1_16_0", "Pending", Boot={"BootOrder": []}),
           f"{system}/ResetActionInfo": {"Parameters": [{"Name": "ResetType", "AllowableValues": [
               "On", "Nmi", "GracefulShutdown", "GracefulRestart", "ForceOn", "ForceOff", "ForceRestart"]}]}}
        | listed(f"{system}/Processors", "Processor", [])
        | listed(f"{system}/Storage", "Storage", [resource(f"{system}/Storage/RAID_Slot5", "Storage.v1_13_0", "RAID",
                                                           Drives=drives)])
        | drive_bodies | _bios(system) | devices
        | listed(f"{system}/EthernetInterfaces", "EthernetInterface", interfaces)
        | listed(f"{ROOT}/Chassis", "Chassis", [resource(
            chassis, "Chassis.v1_20_0", "Chassis", ChassisType="RackMount", SerialNumber="J900XYZ1", Manufacturer="Lenovo",
            Model="7D9RCTO1WW", NetworkAdapters=link(f"{chassis}/NetworkAdapters"),
            Links={"ComputerSystems": [link(system)]})])
        | _adapter(f"{chassis}/NetworkAdapters/ob-1", "BCM57414", "0A:94:EF:11:22:33")
        | _members(f"{chassis}/NetworkAdapters", "ob-1")
        | {manager: resource(manager, "Manager.v1_11_0", "Manager", FirmwareVersion="KAX326F 4.20 2024-01-02")}
        | _firmware([("BMC-Primary", "Primary BMC", "KAX326F-4.20"), ("UEFI", "UEFI", "KAE122J-4.10"),
                     ("Slot_1.Bundle", "GPU", "95.02.66.00.02")])
    )  # fmt: skip


def gh200() -> Bodies:
    """A GH200 server with NVIDIA's OpenBMC: baseboard first, no serial on the System, no UefiHttp, no ETags."""
    return _hgx(
        "System_0", "Chassis_0", "BMC_0", manufacturer="NVIDIA", model="GH200 Grace Hopper", gpus=["GPU_0"],
        gpu_model="GH200 480GB", serial_on_system=None, board_first=True,
        root={"Vendor": "NVIDIA", "Product": "GH200 OpenBMC", "Oem": {"Nvidia": {}}},
        targets=("None", "Pxe", "Hdd", "Cd", "Diags", "BiosSetup", "Usb"),
    )  # fmt: skip


def supermicro_hgx() -> Bodies:
    """A Supermicro GPU server whose HGX baseboard is a System of its own, with a Reset action and the GPUs."""
    return _hgx(
        "1", "1", "1", manufacturer="Supermicro", model="SYS-821GE-TNHR", gpus=[f"GPU_SXM_{n}" for n in range(1, 9)],
        gpu_model="NVIDIA H100 80GB HBM3", serial_on_system="S900001X4100001", board_first=False,
        root={"Oem": {"Supermicro": {}}},
        targets=("None", "Pxe", "Floppy", "Cd", "Usb", "Hdd", "BiosSetup", "UsbCd", "UefiBootNext", "UefiHttp"),
    )  # fmt: skip


def _hgx(
    system_id: str, chassis_id: str, manager_id: str, *, manufacturer: str, model: str, gpus: list[str], gpu_model: str,
    serial_on_system: str | None, board_first: bool, root: dict[str, Any], targets: tuple[str, ...],
) -> Bodies:  # fmt: skip
    system, board = f"{ROOT}/Systems/{system_id}", f"{ROOT}/Systems/HGX_Baseboard_0"
    chassis, manager = f"{ROOT}/Chassis/{chassis_id}", f"{ROOT}/Managers/{manager_id}"
    drives, drive_bodies = _drives(f"{system}/Storage/1/Drives", ["NVMe_0", "NVMe_1"])
    host = resource(
        system, "ComputerSystem.v1_22_0", "System", SystemType="Physical", Manufacturer=manufacturer, Model=model,
        SerialNumber=serial_on_system, UUID="501f2928-84ea-8579-cf52-dc2dbd2e4656", PowerState="On",
        BiosVersion="02.03.13", Boot=_boot(*targets), Actions=_reset(system, "On", "ForceOff", "ForceRestart"),
        Links={"Chassis": [link(chassis)], "ManagedBy": [link(manager)]}, Processors=link(f"{system}/Processors"),
        Storage=link(f"{system}/Storage"), EthernetInterfaces=link(f"{system}/EthernetInterfaces"),
    )  # fmt: skip
    baseboard = resource(
        board, "ComputerSystem.v1_22_0", "HGX", SystemType="Physical", Manufacturer="NVIDIA", Model="HGX",
        SerialNumber="1652923003067", UUID="7e7e7e7e-0000-4a6e-9d6b-7cc25550a8ff", PowerState="On",
        Actions=_reset(board, "ForceRestart"), Processors=link(f"{board}/Processors"),
        Links={"Chassis": [link(f"{ROOT}/Chassis/HGX_Chassis_0")], "ManagedBy": [link(manager)]},
    )  # fmt: skip
    systems = [baseboard, host] if board_first else [host, baseboard]
    mac = "7C:C2:55:79:3F:8E"
    return (
        _root(**root)
        | listed(f"{ROOT}/Systems", "ComputerSystem", systems)
        | listed(f"{system}/Processors", "Processor", [resource(f"{system}/Processors/CPU_0", "Processor.v1_20_0", "CPU",
                                                                ProcessorType="CPU", Status=ENABLED)])
        | listed(f"{board}/Processors", "Processor", _gpus(f"{board}/Processors", gpus, gpu_model))
        | listed(f"{system}/Storage", "Storage", [resource(f"{system}/Storage/1", "Storage.v1_13_0", "NVMe", Drives=drives)])
        | drive_bodies
        | listed(f"{system}/EthernetInterfaces", "EthernetInterface",
                 [resource(f"{system}/EthernetInterfaces/1", "EthernetInterface.v1_6_0", "1", MACAddress=mac)])
        | listed(f"{ROOT}/Chassis", "Chassis", [
            resource(f"{ROOT}/Chassis/HGX_Chassis_0", "Chassis.v1_22_0", "HGX", ChassisType="Module",
                     SerialNumber="1652923003067", Links={"ComputerSystems": [link(board)]}),
            resource(chassis, "Chassis.v1_22_0", "Chassis", ChassisType="RackMount", Manufacturer=manufacturer, Model=model,
                     SerialNumber="S900001X4100001", NetworkAdapters=link(f"{chassis}/NetworkAdapters"),
                     Links={"ComputerSystems": [link(system)]}),
        ])
        | _adapter(f"{chassis}/NetworkAdapters/1", "MCX75310AAS-NEAT", mac)
        | _members(f"{chassis}/NetworkAdapters", "1")
        | {manager: resource(manager, "Manager.v1_14_0", "Manager", FirmwareVersion="24.12-8")}
        | _firmware([("FW_BMC_0", "BMC", "24.12-8"), ("UEFI", "UEFI", "02.03.13"), ("HGX_FW_GPU_SXM_1", "GPU", "96.00.89")])
    )  # fmt: skip


def _members(collection: str, *names: str) -> Bodies:
    return {collection: {"@odata.id": collection, "Members": [link(f"{collection}/{name}") for name in names]}}


def _end_in_slash(value: Any) -> None:
    """Write each path as iLO does."""
    if isinstance(value, dict):
        path = value.get("@odata.id")
        if isinstance(path, str) and not path.endswith("/"):
            value["@odata.id"] = f"{path}/"
        for each in value.values():
            _end_in_slash(each)
    elif isinstance(value, list):
        for each in value:
            _end_in_slash(each)


SYNTHETIC: dict[str, Callable[[], Bodies]] = {
    "synthetic-idrac9-xe9680": dell,
    "synthetic-ilo6-dl380a": hpe,
    "synthetic-xcc-sr675": lenovo,
    "synthetic-gh200": gh200,
    "synthetic-supermicro-hgx": supermicro_hgx,
}
"""By name; nobody here has seen such a BMC."""
