"""Reads a machine's parts out of Redfish bodies: processors, memory, GPUs, adapters, drives, supplies, firmware. Pure.

Schemas are DMTF's Processor, Memory, PCIeDevice, PCIeFunction, NetworkAdapter, NetworkDeviceFunction, Port, Drive,
SimpleStorage, PowerSupply, Power and SoftwareInventory (DSP8010).
"""

import re
from collections.abc import Sequence

from workflows.drivers.redfish.body import Body, mac, number, part, text
from workflows.model.hardware import (
    Cpu,
    Dimm,
    Disk,
    Firmware,
    Gpu,
    Nic,
    PartKind,
    PcieLink,
    Psu,
    Slot,
    known,
    real_serial,
)
from workflows.model.record import Json

_GPU_WORD = re.compile(r"(?<![A-Z])GPU(?![A-Z])", re.IGNORECASE)
_GPU_MAKERS = ("nvidia", "advanced micro devices", "amd", "intel")
_GPU_CLASSES = ("DisplayController", "ProcessingAccelerators", "ProcessingAccelerator", "Coprocessor")
_CONSOLE_VENDORS = ("0x1a03", "0x102b")
"""ASPEED and Matrox: the BMC's own graphics, not a GPU (PCI vendor ids)."""

_TO_THE_BMC = ("ToManager",)
"""Lenovo's name of the host's link to its BMC, which says nothing of a HostInterface (XCC REST API guide)."""

SMALLEST_DISK = 4 * 10**9
"""Bytes; a drive below this is the BMC's virtual media (2,048 bytes and 1.1 GB on the recorded DGX H100)."""


_GENERATION = re.compile(r"Gen(\d)")
_GUID_DIGITS = frozenset("0123456789abcdef")


def is_absent(body: Body) -> bool:
    """Whether the resource is the place of a part that isn't there."""
    return part(body, "Status").get("State") == "Absent"


def is_gpu(processor: Body) -> bool:
    """Whether a Processor is a GPU, or the place of one."""
    return processor.get("ProcessorType") == "GPU"


def is_cpu(processor: Body) -> bool:
    """Whether a Processor is a CPU, or its socket."""
    return processor.get("ProcessorType") == "CPU"


def cpu(body: Body) -> Cpu:
    """A processor from its Processor."""
    return Cpu(
        name=_name(body),
        model=_known(body, "Model"),
        serial=real_serial(text(body, "SerialNumber")),
        place=_place(part(body, "Location")) or _known(body, "Socket"),
        cores=number(body, "TotalCores"),
    )


def dimm(body: Body) -> Dimm:
    """A memory module from its Memory; its model is the maker's part number."""
    size = number(body, "CapacityMiB")
    return Dimm(
        name=_name(body),
        model=_known(body, "PartNumber"),
        serial=real_serial(text(body, "SerialNumber")),
        firmware=_known(body, "FirmwareRevision"),
        place=_place(part(body, "Location")) or _known(body, "DeviceLocator"),
        size=size * 2**20 if size is not None else None,
    )


def psu(body: Body) -> Psu:
    """A power supply from its PowerSupply, or from the Power of its chassis, where its name is its place."""
    return Psu(
        name=_name(body),
        model=_known(body, "Model"),
        serial=real_serial(text(body, "SerialNumber")),
        firmware=_known(body, "FirmwareVersion"),
        place=_place(part(body, "Location")) or _known(body, "Name"),
        watts=number(body, "PowerCapacityWatts"),
    )


def slot(kind: PartKind, body: Body) -> Slot:
    """The place of a part that isn't there."""
    labels = (_known(body, "DeviceLocator"), _known(body, "Socket"))
    return Slot(kind=kind, place=_place(part(body, "Location")) or next(filter(None, labels), None) or _name(body))


def pcie(interface: Body) -> PcieLink | None:
    """The link of a PCIeInterface as it was negotiated (``PCIeType``), not what the part could do (``MaxPCIeType``)."""
    found = _GENERATION.fullmatch(text(interface, "PCIeType") or "")
    return PcieLink(generation=int(found[1]), lanes=number(interface, "LanesInUse") or None) if found else None


def processor_link(processor: Body) -> PcieLink | None:
    """The PCIe link of a Processor."""
    return pcie(part(part(processor, "SystemInterface"), "PCIe"))


def may_be_gpu(device: Body) -> bool:
    """Whether a PCIeDevice is worth a look at its functions: it calls itself a GPU, or a maker of GPUs made it."""
    return _names_gpu(device) or (text(device, "Manufacturer") or "").lower().startswith(_GPU_MAKERS)


def is_gpu_device(device: Body, functions: Sequence[Body]) -> bool:
    """Whether a PCIeDevice is a GPU, by its functions' class; without functions, by its own name."""
    if not functions:
        return _names_gpu(device)
    return any(
        f.get("DeviceClass") in _GPU_CLASSES and str(f.get("VendorId")).lower() not in _CONSOLE_VENDORS
        for f in functions
    )


def gpu(body: Body) -> Gpu:
    """A GPU from its Processor or PCIeDevice; some PCIe devices carry the model in their name alone."""
    model = _known(body, "Model") or (None if "ProcessorType" in body else _known(body, "Name"))
    return Gpu(
        name=_name(body),
        model=model,
        serial=real_serial(text(body, "SerialNumber")),
        part=_known(body, "PartNumber"),
        firmware=_known(body, "FirmwareVersion"),
        place=_place(part(body, "Location")) or _place(part(part(body, "Slot"), "Location")),
        pcie=processor_link(body) or pcie(part(body, "PCIeInterface")),
    )


def controller(adapter: Body) -> Body:
    """The first controller of a network adapter; empty where it shows none."""
    controllers = adapter.get("Controllers")
    return controllers[0] if isinstance(controllers, list) and controllers and isinstance(controllers[0], dict) else {}


def nic(adapter: Body, functions: Sequence[Body], ports: Sequence[Body], device: Body) -> Nic:
    """A network adapter with the MACs and GUIDs of its functions; of its ports where the functions show none.

    ``device`` is its PCIeDevice, which shows the link where the controller doesn't.
    """
    first = controller(adapter)
    return Nic(
        name=_name(adapter),
        model=_known(adapter, "Model"),
        serial=real_serial(text(adapter, "SerialNumber")),
        firmware=_known(first, "FirmwarePackageVersion") or _known(adapter, "FirmwareVersion"),
        place=_place(part(adapter, "Location")) or _place(part(first, "Location")),
        pcie=pcie(part(first, "PCIeInterface")) or pcie(part(device, "PCIeInterface")),
        macs=tuple(dict.fromkeys(_function_macs(functions) or _port_macs(ports))),
        guids=tuple(dict.fromkeys(_function_guids(functions) or _port_guids(ports))),
    )


def interface_mac(interface: Body) -> str | None:
    """The MAC of a host's interface, the permanent one first; none for the link between host and BMC."""
    if part(part(interface, "Links"), "HostInterface") or text(interface, "Id") in _TO_THE_BMC:
        return None
    return mac(interface.get("PermanentMACAddress")) or mac(interface.get("MACAddress"))


def disk(drive: Body) -> Disk | None:
    """A drive; None for an empty bay, for one of which nothing is known, and for the BMC's own virtual media."""
    model, serial, size = (
        _known(drive, "Model"),
        real_serial(text(drive, "SerialNumber")),
        number(drive, "CapacityBytes"),
    )
    unknown = model is None and serial is None
    if unknown or is_absent(drive) or (size is not None and size < SMALLEST_DISK):
        return None
    return Disk(
        name=_name(drive),
        model=model,
        serial=serial,
        firmware=_known(drive, "Revision") or _known(drive, "FirmwareVersion"),
        place=_place(part(drive, "PhysicalLocation")),
        size=size,
    )


def simple_disks(storage: Body) -> list[Disk]:
    """The devices of a SimpleStorage, which knows no serials."""
    devices = storage.get("Devices")
    found = [disk(d) for d in devices[:100] if isinstance(d, dict)] if isinstance(devices, list) else []
    return [d for d in found if d is not None]


def firmware(body: Body, kept: Sequence[str]) -> Firmware | None:
    """A firmware that says its version, but for one that is only ``kept``: it runs nowhere, its id begins so."""
    version, name = _known(body, "Version"), _name(body)
    if version is None or name.startswith(tuple(kept)):
        return None
    shown = (text(body, "Name") or name) if name.isdigit() else name
    return Firmware(name=shown, version=version, path=text(body, "@odata.id") or "")


def vendors_own(body: Body) -> Body:
    """What a vendor adds to a resource beyond the standard; Supermicro's chassis has the board's serial there."""
    return next((value for value in part(body, "Oem").values() if isinstance(value, dict)), {})


def _name(body: Body) -> str:
    return text(body, "Id") or text(body, "MemberId") or text(body, "Name") or "?"


def _place(location: Body) -> str | None:
    label, context = text(part(location, "PartLocation"), "ServiceLabel"), text(location, "PartLocationContext")
    return f"{context}/{label}" if label and context else label


def _known(body: Body, key: str) -> str | None:
    return known(text(body, key))


def _names_gpu(device: Body) -> bool:
    return any(_GPU_WORD.search(text(device, key) or "") for key in ("Id", "Name", "Description", "DeviceType"))


def _function_macs(functions: Sequence[Body]) -> list[str]:
    ethernet = [part(f, "Ethernet") for f in functions]
    found = [mac(e.get("PermanentMACAddress")) or mac(e.get("MACAddress")) for e in ethernet]
    return [m for m in found if m is not None]


def _port_macs(ports: Sequence[Body]) -> list[str]:
    listed = [part(p, "Ethernet").get("AssociatedMACAddresses") or p.get("AssociatedNetworkAddresses") for p in ports]
    return [m for macs in listed if isinstance(macs, list) for each in macs[:16] if (m := mac(each)) is not None]


def _function_guids(functions: Sequence[Body]) -> list[str]:
    ib = [part(f, "InfiniBand") for f in functions]
    found = [_guid(i.get("PermanentPortGUID")) or _guid(i.get("PortGUID")) for i in ib]
    return [g for g in found if g is not None]


def _port_guids(ports: Sequence[Body]) -> list[str]:
    listed = [part(p, "InfiniBand").get("AssociatedPortGUIDs") for p in ports]
    return [g for guids in listed if isinstance(guids, list) for each in guids[:16] if (g := _guid(each)) is not None]


def _guid(value: Json) -> str | None:
    """A port GUID as tools print it; None where it is none, or all zeros or ones."""
    digits = value.lower().removeprefix("0x").replace(":", "").replace("-", "") if isinstance(value, str) else ""
    real = len(digits) == 16 and not set(digits) - _GUID_DIGITS and len(set(digits)) > 1
    return f"0x{digits}" if real else None
