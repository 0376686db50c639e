"""The parts of a lab machine as its BMC shows them: chassis, processors, GPUs, network adapters, drives, event log."""

from lab.bmc.bodies import Body, link, listed, resource
from lab.bmc.resources import BASEBOARD, CHASSIS, View, chassis_path, system_path
from workflows.model.record import Json

SIZE = 1_920_383_410_176
"""Bytes of each drive."""


def parts(view: View) -> dict[str, Body]:
    """All resources of the parts, by path."""
    system, chassis = system_path(view.traits), chassis_path(view.traits)
    return (
        listed(CHASSIS, "Chassis", [_chassis(view)])
        | _processors(view)
        | _memory(view, f"{system}/Memory")
        | _power(view, f"{chassis}/PowerSubsystem")
        | _adapters(view, f"{chassis}/NetworkAdapters")
        | _drives(view, system)
        | _pcie(view, f"{chassis}/PCIeDevices")
        | _log(view, f"{system}/LogServices")
    )


def _chassis(view: View) -> Body:
    path = chassis_path(view.traits)
    return resource(
        path, "Chassis.v1_22_0", "Chassis",
        ChassisType="RackMount", Manufacturer=view.traits.vendor, Model=view.traits.model,
        SerialNumber=view.serial if view.traits.serial_at == "chassis" else f"CHASSIS-{view.serial}",
        NetworkAdapters=link(f"{path}/NetworkAdapters"), PCIeDevices=link(f"{path}/PCIeDevices"),
        PowerSubsystem=link(f"{path}/PowerSubsystem"),
        Links={"ComputerSystems": [link(system_path(view.traits))]},
    )  # fmt: skip


def _processors(view: View) -> dict[str, Body]:
    traits, own = view.traits, f"{system_path(view.traits)}/Processors"
    cpus = [resource(f"{own}/CPU_{n}", "Processor.v1_20_0", f"CPU {n}", ProcessorType="CPU") for n in range(2)]
    bodies = listed(own, "Processor", cpus + (_gpus(view, own) if traits.parts.gpus_at == "processors" else []))
    if traits.baseboard:
        board = f"{BASEBOARD}/Processors"
        bodies |= listed(board, "Processor", _gpus(view, board) if traits.parts.gpus_at == "baseboard" else [])
    return bodies


def _gpus(view: View, below: str) -> list[Body]:
    return [
        resource(
            f"{below}/{name}",
            "Processor.v1_20_0",
            "Processor",
            ProcessorType="GPU",
            SystemInterface={"InterfaceType": "PCIe", "PCIe": _pcie_link(view, name)},
            **_gpu(view, n),
        )
        for n, name in _numbered(view, view.traits.parts.gpu_id, view.traits.parts.gpus)
    ]


def _pcie(view: View, below: str) -> dict[str, Body]:
    """The BMC's own graphics, which are no GPU, and the GPUs where they are shown as PCIe devices."""
    kind = view.traits.parts
    console = resource(f"{below}/VGA", "PCIeDevice.v1_5_0", "VGA", Manufacturer="ASPEED", Model="AST2600")
    gpus = [
        resource(
            f"{below}/{name}",
            "PCIeDevice.v1_5_0",
            f"NVIDIA {kind.gpu_model}",
            Manufacturer="NVIDIA",
            PCIeInterface=_pcie_link(view, name),
            **_gpu(view, n),
        )
        for n, name in _numbered(view, kind.gpu_id, kind.gpus if kind.gpus_at == "pcie" else 0)
    ]
    bodies = listed(below, "PCIeDevice", [console, *gpus])
    for device, vendor in ((console, "0x1A03"), *((g, "0x10DE") for g in gpus)):
        path = f"{device['@odata.id']}/PCIeFunctions"
        device["PCIeFunctions"] = link(path)
        function = resource(
            f"{path}/1", "PCIeFunction.v1_2_3", "Function", DeviceClass="DisplayController", VendorId=vendor
        )
        bodies |= listed(path, "PCIeFunction", [function])
    return bodies


def _pcie_link(view: View, name: str) -> Body:
    return {
        "PCIeType": "Gen4" if name in view.slowed else "Gen5",
        "MaxPCIeType": "Gen5",
        "LanesInUse": 16,
        "MaxLanes": 16,
    }


def _gpu(view: View, number: int) -> Body:
    return {
        "Model": view.traits.parts.gpu_model,
        "SerialNumber": f"{view.serial}-G{number}",
        "PartNumber": "2330-885-A1",
        "FirmwareVersion": "96.00.89.00.01",
        "Status": {"State": "Enabled", "Health": "OK"},
    }


def _memory(view: View, below: str) -> dict[str, Body]:
    """The places of memory modules; one whose module was pulled shows as absent."""
    kind = view.traits.parts
    modules = []
    for number in range(kind.first, kind.first + kind.dimms):
        place = kind.dimm_place.format(number)
        body = resource(
            f"{below}/{number}", "Memory.v1_17_0", "Memory", DeviceLocator=place, Status={"State": "Absent"}
        )
        if place not in view.pulled:
            body |= {
                "CapacityMiB": 65_536, "PartNumber": "M321R8GA0BB0-CQKZJ", "SerialNumber": f"{view.serial}-M{number}",
                "Status": {"State": "Enabled", "Health": "OK"},
            }  # fmt: skip
        modules.append(body)
    return listed(below, "Memory", modules)


def _power(view: View, path: str) -> dict[str, Body]:
    supplies = [
        resource(
            f"{path}/PowerSupplies/{name}", "PowerSupply.v1_5_0", name,
            Model="PWS-3K06G-2R", SerialNumber=f"{view.serial}-P{n}", PowerCapacityWatts=3000,
        )
        for n, name in _numbered(view, "PSU{}", view.traits.parts.psus)
    ]  # fmt: skip
    subsystem = resource(path, "PowerSubsystem.v1_1_0", "Power", PowerSupplies=link(f"{path}/PowerSupplies"))
    return {path: subsystem} | listed(f"{path}/PowerSupplies", "PowerSupply", supplies)


def _adapters(view: View, below: str) -> dict[str, Body]:
    kind = view.traits.parts
    bodies: dict[str, Body] = {}
    adapters = []
    for number, name in _numbered(view, kind.nic_id, kind.nics):
        path = f"{below}/{name}/NetworkDeviceFunctions"
        mac = (
            view.macs[number - kind.first].upper()
            if number - kind.first < len(view.macs)
            else _made_up_mac(view, number)
        )
        function = resource(f"{path}/1", "NetworkDeviceFunction.v1_5_0", "Function", Ethernet={"MACAddress": mac})
        bodies |= listed(path, "NetworkDeviceFunction", [function])
        controllers: Json = [{"FirmwarePackageVersion": "28.37.10.14", "PCIeInterface": _pcie_link(view, name)}]
        adapters.append(
            resource(
                f"{below}/{name}", "NetworkAdapter.v1_5_0", "Network Adapter View",
                Model=kind.nic_model, SerialNumber=f"{view.serial}-N{number}", Controllers=controllers,
                NetworkDeviceFunctions=link(path),
            )
        )  # fmt: skip
    return bodies | listed(below, "NetworkAdapter", adapters)


def _made_up_mac(view: View, number: int) -> str:
    """A locally administered address that no other lab machine has: of its UUID and the adapter's number."""
    digits = view.uuid.replace("-", "")[-8:]
    return ":".join(["02", *(digits[i : i + 2] for i in range(0, 8, 2)), f"{number:02x}"]).upper()


def _drives(view: View, system: str) -> dict[str, Body]:
    kind = view.traits.parts
    names = _numbered(view, kind.drive_id, kind.drives)
    simple, path = f"{system}/SimpleStorage", f"{system}/Storage"
    if kind.drives_at == "simple":
        devices: Json = [{"Name": name, "Model": kind.drive_model, "CapacityBytes": SIZE} for _, name in names]
        shown = [resource(f"{simple}/1", "SimpleStorage.v1_3_0", "NVMe", Devices=devices)]
        return listed(simple, "SimpleStorage", shown) | listed(path, "Storage", [])
    drives = [
        resource(
            f"{path}/1/Drives/{name}", "Drive.v1_18_0", name,
            Model=kind.drive_model, SerialNumber=f"{view.serial}-D{n}", CapacityBytes=SIZE, Revision="GDC5602Q",
        )
        for n, name in names
    ]  # fmt: skip
    storage = resource(f"{path}/1", "Storage.v1_13_0", "NVMe", Drives=[link(str(d["@odata.id"])) for d in drives])
    found = {str(d["@odata.id"]): d for d in drives}
    return listed(path, "Storage", [storage]) | listed(simple, "SimpleStorage", []) | found


def _log(view: View, below: str) -> dict[str, Body]:
    path = f"{below}/{view.traits.log_id}"
    service = resource(path, "LogService.v1_2_0", "Log", LogEntryType="SEL", Entries=link(f"{path}/Entries"))
    entry = resource(
        f"{path}/Entries/1", "LogEntry.v1_13_0", "Entry",
        Created="2026-01-01T00:00:00Z", Severity="OK", Message="The lab BMC was started.",
    )  # fmt: skip
    return listed(below, "LogService", [service]) | {
        f"{path}/Entries": {"@odata.id": f"{path}/Entries", "Members": [entry], "Members@odata.count": 1}
    }


def _numbered(view: View, pattern: str, count: int) -> list[tuple[int, str]]:
    """Numbers and ids of the parts that are there."""
    first = view.traits.parts.first
    named = [(n, pattern.format(n)) for n in range(first, first + count)]
    return [(n, name) for n, name in named if name not in view.pulled]
