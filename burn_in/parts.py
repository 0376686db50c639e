"""Whom the checks are of: GPUs and ports by the names of all tools, with the place where a person finds them. Pure.

``nvidia-smi`` lists GPUs in the order of their PCI addresses, and so do DCGM and nvbandwidth (CUDA's own order may be
another: probes set ``CUDA_DEVICE_ORDER=PCI_BUS_ID``), so that number 7 is the same GPU for all of them.
"""

from collections.abc import Iterable, Mapping

from burn_in.guid import plain_guid
from burn_in.readers.ibstat import IbPort
from burn_in.readers.nvidia_smi import NvidiaSmi
from workflows.model.desired import Interface
from workflows.model.verdict import Part

_DOMAIN = 8


def gpu_parts(smi: NvidiaSmi) -> tuple[Part, ...]:
    """Each GPU: UUID, number, and its address as nvidia-smi and as the kernel write it (with and without function)."""
    parts = []
    for number, gpu in enumerate(smi.gpus):
        domain, _, rest = gpu.pci_address.partition(":")
        short = f"{domain[-4:]}:{rest}" if len(domain) == _DOMAIN else gpu.pci_address
        aliases = (gpu.uuid or "", gpu.pci_address, short, short.partition(".")[0])
        parts.append(
            Part(name=f"GPU {number}", place=short, serial=gpu.serial or "", aliases=tuple(filter(None, aliases)))
        )
    return tuple(parts)


def port_parts(node: str, interfaces: Iterable[Interface], ports: Iterable[IbPort]) -> tuple[Part, ...]:
    """Each InfiniBand interface that the inventory names: GUID, device and port, and where its cable should end."""
    devices: Mapping[str, str] = {p.guid: f"{p.device}/{p.port}" for p in ports}
    parts = []
    for interface in interfaces:
        guid = plain_guid(interface.guid or "")
        if guid:
            cable = f"{interface.peer.device} {interface.peer.port}" if interface.peer else ""
            aliases = (f"0x{guid}", devices.get(guid, ""), f"{node} {interface.name}")
            parts.append(Part(name=interface.name, place=cable, serial=guid, aliases=tuple(filter(None, aliases))))
    return tuple(parts)
