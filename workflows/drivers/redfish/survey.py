"""The out-of-band inventory of one machine: which resources are read for it, and what is made of them.

GPUs are Processors of the System or of the GPU baseboard that shares its BMC (HGX); where a BMC shows them as PCIe devices
only (Supermicro), there. Drives hang on Storage, on the chassis, or on SimpleStorage alone. NICs and power supplies are
those of every chassis that is not another machine's. A member that a BMC shows as absent is a place without its part.
"""

import asyncio
from collections.abc import Iterable

from workflows.drivers.redfish import parts
from workflows.drivers.redfish import system as reading
from workflows.drivers.redfish.baseline import attributes_of
from workflows.drivers.redfish.body import Body, is_among, link, links, number, part, text
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.layout import ENCLOSURES, Layout
from workflows.drivers.redfish.system import is_baseboard
from workflows.drivers.redfish.tree import Tree
from workflows.model.hardware import (
    Dimm,
    Disk,
    Firmware,
    Gpu,
    HardwareReport,
    Nic,
    PartKind,
    Psu,
    SessionsShown,
    Slot,
    real_serial,
)

MAX_DEVICES = 256
"""PCIe devices that are looked at for GPUs; the most recorded on one machine are 196."""


class Survey:
    """One report in the making. ``serial`` was read by whoever found the System."""

    def __init__(self, channel: Channel, layout: Layout, system: Body, serial: str | None, sessions: SessionsShown):
        self._layout, self._system, self._serial, self._sessions = layout, system, serial, sessions
        self._tree = Tree(channel, layout.root)
        self._address = channel.address
        self._chassis: list[Body] = []
        self._empty: list[Slot] = []

    async def report(self) -> HardwareReport:
        """Read everything and put it together."""
        layout, system, tree = self._layout, self._system, self._tree
        self._chassis = [c for c in await tree.members(link(layout.root.get("Chassis"))) if self._is_ours(c)]
        settings = await tree.get(layout.settings) if layout.settings is not None else None
        manager = await tree.get(reading.manager_path(system))
        service = await tree.get(link(layout.root.get("SessionService")))
        own = await tree.members(link(system.get("Processors")))
        gpus, dimms, nics, disks, psus, macs = await asyncio.gather(
            self._gpus(own), self._dimms(), self._nics(), self._disks(), self._psus(), self._interface_macs()
        )
        firmware = await self._firmware()
        enclosure = next((c for c in self._chassis if c.get("ChassisType") in ENCLOSURES and text(c, "Model")), {})
        bios = await tree.get(link(system.get("Bios")))
        media = link(system.get("VirtualMedia")) or link(manager.get("VirtualMedia"))
        return HardwareReport(
            protocol="redfish",
            address=self._address,
            system=layout.system,
            why=layout.why,
            others=layout.others,
            vendor=text(system, "Manufacturer") or text(enclosure, "Manufacturer") or "",
            model=text(system, "Model") or text(enclosure, "Model") or "",
            serial=self._serial,
            uuid=reading.uuid_of(system),
            chassis=self._another(enclosure),
            board=self._another(system) or self._another(parts.vendors_own(enclosure), "BoardSerialNumber"),
            power=reading.power_of(system).value,
            bios=text(system, "BiosVersion") or next((f.version for f in firmware if f.name in ("BIOS", "UEFI")), None),
            bmc=text(manager, "FirmwareVersion"),
            boot=reading.boot_shown(system, settings, layout.settings, layout.quirks),
            resets=tuple(layout.resets),
            boot_macs=macs or tuple(dict.fromkeys(m for n in nics for m in n.macs)),
            cpus=tuple(parts.cpu(p) for p in self._there(PartKind.CPU, filter(parts.is_cpu, own))),
            dimms=dimms,
            gpus=gpus,
            nics=nics,
            disks=disks,
            psus=psus,
            empty=tuple(sorted(self._empty, key=lambda s: (s.kind, s.place))),
            firmware=firmware,
            settings=attributes_of(bios),
            virtual_media=media is not None,
            sessions=self._sessions.model_copy(update={"timeout": number(service, "SessionTimeout")}),
            quirks=tuple(f"{layout.quirks.name}: {said}" for said in layout.quirks.says),
            gaps=tuple(tree.gaps),
        )

    def _another(self, body: Body, key: str = "SerialNumber") -> str | None:
        """A serial that isn't the machine's own."""
        found = real_serial(text(body, key))
        return found if found != self._serial else None

    def _is_ours(self, chassis: Body) -> bool:
        """Whether a chassis is this machine's: it names this System, a baseboard, or none."""
        systems = links(part(chassis, "Links").get("ComputerSystems"))
        return not systems or is_among(self._layout.system, systems) or any(is_baseboard(s) for s in systems)

    def _there(self, kind: PartKind, bodies: Iterable[Body]) -> list[Body]:
        """Those that are there; the others are noted as empty places."""
        found = []
        for body in bodies:
            if parts.is_absent(body):
                self._empty.append(parts.slot(kind, body))
            else:
                found.append(body)
        return found

    async def _dimms(self) -> tuple[Dimm, ...]:
        listed = await self._tree.members(link(self._system.get("Memory")))
        return tuple(parts.dimm(m) for m in self._there(PartKind.DIMM, listed))

    async def _psus(self) -> tuple[Psu, ...]:
        """Those of each enclosure's PowerSubsystem; of its older Power where that names none."""
        found: list[Body] = []
        for chassis in (c for c in self._chassis if c.get("ChassisType") in ENCLOSURES):
            subsystem = await self._tree.get(link(chassis.get("PowerSubsystem")))
            supplies = await self._tree.members(link(subsystem.get("PowerSupplies")))
            if not supplies:
                power = await self._tree.get(link(chassis.get("Power")))
                listed = power.get("PowerSupplies")
                supplies = [s for s in listed[:100] if isinstance(s, dict)] if isinstance(listed, list) else []
            found += supplies
        return tuple(parts.psu(s) for s in self._there(PartKind.PSU, found))

    async def _gpus(self, own: list[Body]) -> tuple[Gpu, ...]:
        boards = await self._tree.all(other.path for other in self._layout.others)
        processors = own + [p for b in boards for p in await self._tree.members(link(b.get("Processors")))]
        found = [parts.gpu(p) for p in self._there(PartKind.GPU, filter(parts.is_gpu, processors))]
        return tuple(found or [parts.gpu(d) for d in await self._gpu_devices()])

    async def _gpu_devices(self) -> list[Body]:
        own = await self._tree.all(links(self._system.get("PCIeDevices"))[:MAX_DEVICES])
        devices = own or [d for c in self._chassis for d in await self._tree.members(link(c.get("PCIeDevices")))]
        if not devices:
            guessed = [f"{path}/PCIeDevices" for path in links(part(self._system, "Links").get("Chassis"))]
            devices = [d for path in guessed for d in await self._tree.members(path)]
        found = []
        for device in devices[:MAX_DEVICES]:
            if parts.may_be_gpu(device):
                functions = links(part(device, "Links").get("PCIeFunctions"))
                bodies = await self._tree.all(functions) or await self._tree.members(link(device.get("PCIeFunctions")))
                if parts.is_gpu_device(device, bodies):
                    found.append(device)
        return found

    async def _nics(self) -> tuple[Nic, ...]:
        collections = dict.fromkeys(link(c.get("NetworkAdapters")) for c in self._chassis)
        listed = [await self._tree.members(path) for path in collections if path is not None]
        return tuple(await asyncio.gather(*(self._nic(adapter) for adapters in listed for adapter in adapters)))

    async def _nic(self, adapter: Body) -> Nic:
        functions = await self._tree.members(link(adapter.get("NetworkDeviceFunctions")))
        first = parts.controller(adapter)
        devices = links(part(first, "Links").get("PCIeDevices"))
        device = (
            await self._tree.get(devices[0]) if devices and parts.pcie(part(first, "PCIeInterface")) is None else {}
        )
        found = parts.nic(adapter, functions, (), device)
        if found.macs or found.guids:
            return found
        ports = link(adapter.get("Ports")) or link(adapter.get("NetworkPorts"))
        return parts.nic(adapter, functions, await self._tree.members(ports), device)

    async def _interface_macs(self) -> tuple[str, ...]:
        interfaces = await self._tree.members(link(self._system.get("EthernetInterfaces")))
        return tuple(dict.fromkeys(m for i in interfaces if (m := parts.interface_mac(i)) is not None))

    async def _disks(self) -> tuple[Disk, ...]:
        storages = await self._tree.members(link(self._system.get("Storage")))
        simple = await self._tree.members(link(self._system.get("SimpleStorage")))
        also = [p for s in simple if (p := link(part(s, "Links").get("Storage"))) is not None]
        drives = [p for s in (*storages, *await self._tree.all(also)) for p in links(s.get("Drives"))]
        drives += [p for c in self._chassis for p in links(part(c, "Links").get("Drives"))]
        read = await self._tree.all(dict.fromkeys(drives))
        found = {d.serial or d.name: d for body in read if (d := parts.disk(body)) is not None}
        return tuple(found.values()) or tuple(d for s in simple for d in parts.simple_disks(s))

    async def _firmware(self) -> tuple[Firmware, ...]:
        service = await self._tree.get(link(self._layout.root.get("UpdateService")))
        listed = await self._tree.members(link(service.get("FirmwareInventory")))
        return tuple(f for body in listed if (f := parts.firmware(body, self._layout.quirks.kept)) is not None)
