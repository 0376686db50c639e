"""Reads a machine's parts out of Redfish bodies: GPUs, network adapters, drives, firmware. Pure.

Schemas are DMTF's Processor, PCIeDevice, PCIeFunction, NetworkAdapter, NetworkDeviceFunction, Port, Drive, SimpleStorage
and SoftwareInventory (DSP8010).
"""

import re
from collections.abc import Sequence

from workflows.drivers.redfish.body import Body, mac, number, part, text
from workflows.model.hardware import Disk, Firmware, Gpu, Nic, known, real_serial

_GPU_WORD = re.compile(r"(?<![A-Z])GPU(?![A-Z])", re.IGNORECASE)
_GPU_MAKERS = ("nvidia", "advanced micro devices", "amd", "intel")
_GPU_CLASSES = ("DisplayController", "ProcessingAccelerators", "ProcessingAccelerator", "Coprocessor")
_CONSOLE_VENDORS = ("0x1a03", "0x102b")
"""ASPEED and Matrox: the BMC's own graphics, not a GPU (PCI vendor ids)."""

SMALLEST_DISK = 4 * 10**9
"""Bytes; a drive below this is the BMC's virtual media (2,048 bytes and 1.1 GB on the recorded DGX H100)."""


def is_gpu(processor: Body) -> bool:
    """Whether a Processor is a GPU that is there."""
    return processor.get("ProcessorType") == "GPU" and part(processor, "Status").get("State") != "Absent"


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
    )


def nic(adapter: Body, functions: Sequence[Body], ports: Sequence[Body]) -> Nic:
    """A network adapter with the MACs of its functions; of its ports where the functions show none."""
    controllers = adapter.get("Controllers")
    first = controllers[0] if isinstance(controllers, list) and controllers and isinstance(controllers[0], dict) else {}
    return Nic(
        name=_name(adapter),
        model=_known(adapter, "Model"),
        serial=real_serial(text(adapter, "SerialNumber")),
        firmware=_known(first, "FirmwarePackageVersion") or _known(adapter, "FirmwareVersion"),
        place=_place(part(adapter, "Location")) or _place(part(first, "Location")),
        macs=tuple(dict.fromkeys(_function_macs(functions) or _port_macs(ports))),
    )


def interface_mac(interface: Body) -> str | None:
    """The MAC of a host's interface, the permanent one first; none for the link between host and BMC."""
    if part(part(interface, "Links"), "HostInterface"):
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
    if unknown or part(drive, "Status").get("State") == "Absent" or (size is not None and size < SMALLEST_DISK):
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


def firmware(body: Body) -> Firmware | None:
    """A firmware that says its version."""
    version = _known(body, "Version")
    return Firmware(name=_name(body), version=version) if version else None


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
