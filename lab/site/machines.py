"""The machines of a site: QEMU, each with a BMC of its own on loopback and a place in the InfiniBand subnet."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from lab.bmc.bmc import LabBmc
from lab.bmc.server import ServedBmc, serve
from lab.bmc.tls import make_certificate
from lab.qemu.machine import QemuMachine
from lab.qemu.network import Network
from workflows.model.errors import Refused

BMC_PASSWORD = "lab-password"  # noqa: S105 - of BMCs that listen on loopback and end with the block
#: Redfish's own port: an out-of-band address in NetBox names none.
_REDFISH = 443


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the site. ``address`` is the node's, ``bmc_address`` its BMC's; both as the inventory has them."""

    name: str
    qemu: QemuMachine
    bmc: ServedBmc
    address: str
    bmc_address: str


def machine_names(count: int) -> list[str]:
    """``gpu-001`` and on."""
    return [f"gpu-{number:03d}" for number in range(1, count + 1)]


async def make_machines(
    stack: AsyncExitStack, network: Network, directory: Path, count: int
) -> tuple[list[Machine], Path]:
    """The machines, switched off, with their BMCs being served until the stack ends; and the BMCs' CA.

    Raises:
        Refused: no 127.x addresses are free for the BMCs, or a disk could not be made.
    """
    addresses = _bmc_addresses(count)
    certificate = await asyncio.to_thread(make_certificate, directory, *addresses)
    made = []
    for number, (name, bmc_address) in enumerate(zip(machine_names(count), addresses, strict=True)):
        qemu = QemuMachine(
            network,
            number,
            directory / name,
            serial=f"LAB{number + 1:04d}",
            uuid=f"11111111-0000-4000-8000-{number + 1:012d}",
            macs=(f"52:54:00:77:00:{number + 1:02x}",),
        )
        await asyncio.to_thread(qemu.make_disks)
        stack.push_async_callback(qemu.power_off)
        bmc = await serve(LabBmc(qemu, password=BMC_PASSWORD), host=bmc_address, port=_REDFISH, certificate=certificate)
        await stack.enter_async_context(bmc)
        made.append(Machine(name, qemu, bmc, f"10.77.0.{number + 11}", bmc_address))
    return made, certificate.ca


def _bmc_addresses(count: int) -> list[str]:
    """Loopback addresses whose Redfish port is free: another site may run on this host."""
    for net in range(20, 70):
        addresses = [f"127.{net}.0.{number}" for number in range(1, count + 1)]
        if all(_is_free(address) for address in addresses):
            return addresses
    raise Refused(f"no {count} addresses of 127.20.0.0 to 127.69.0.0 have port {_REDFISH} free for the lab's BMCs")


def _is_free(address: str) -> bool:
    try:
        socket.create_server((address, _REDFISH)).close()
    except OSError:
        return False
    return True
