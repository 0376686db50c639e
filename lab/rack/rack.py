"""A rack of simulated machines with their BMCs on loopback, and everything that a site's configuration says of them.

Machine *i* has the address ``127.77.<i / 256>.<i % 256>``: every Linux has all of 127/8 on loopback, so each machine
speaks from an address of its own and no root is needed. Its BMC serves Redfish over TLS on a free port of the same address.
"""

import asyncio
import re
import shutil
import sys
import tempfile
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from lab.bmc.bmc import LabBmc
from lab.bmc.server import ServedBmc, serve
from lab.bmc.tls import make_certificate
from lab.rack import ssh_client
from lab.rack.machine import SYSTEM_DISK_MODEL, SimulatedMachine
from workflows.model.errors import BadInput
from workflows.model.profile import Image

CREDENTIAL = "bmc/rack"
SKU, RELEASE = "lab", "lab-1"
#: The lab's own roles and playbooks, for the Ansible driver.
ROLES = Path(__file__).parent / "roles"
MACHINES = 1000
_PLAIN_PATH = re.compile(r"[\w./+-]+")
_NAMESPACE = uuid.UUID("8a7d3c52-3b0e-4a55-9b53-2d7c6c1f7a10")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of the rack: the machine, and its BMC as it is served."""

    name: str
    machine: SimulatedMachine
    bmc: ServedBmc


class Rack:
    """``n`` machines, ``lab-001`` and on; an asynchronous context manager that leaves no task, socket or process.

    ``directory`` keeps their disks, so the same directory is the same rack again. ``boot_url`` is the plain HTTP side of
    the boot service, as DHCP would name it. ``command_prefix`` is for the Ansible driver: with it, ``ssh`` reaches these
    machines. ``secrets`` are the fields of the secrets that the site needs for them, by reference.
    """

    def __init__(self, n: int, directory: Path, boot_url: str, *, post_seconds: float = 0.2):
        if not 0 < n <= MACHINES:
            raise BadInput(f"a rack has 1 to {MACHINES} machines, not {n}")
        if _PLAIN_PATH.fullmatch(str(directory)) is None:
            raise BadInput(f"{directory}: a rack's directory is named by letters, digits and . _ + - / only")
        self.slots: list[Slot] = []
        self.secrets: dict[str, dict[str, str]] = {}
        self._n, self._directory, self._boot_url, self._post_seconds = n, directory.absolute(), boot_url, post_seconds
        # Socket paths have 108 bytes at most; a test's directory alone may be longer.
        self._sockets = Path(tempfile.gettempdir()) / f"rack-{uuid.uuid4().hex[:12]}"
        self._stack = AsyncExitStack()

    @property
    def command_prefix(self) -> tuple[str, ...]:
        """A program that runs its arguments where ``ssh`` is the lab's own."""
        return (str(self._sockets / "with-lab-ssh"),)

    def inventory(self, status: str) -> dict[str, str]:
        """The rack as a directory of YAML files, by file name; each machine has this status."""
        return {f"{slot.name}.yaml": yaml.safe_dump(_node(slot, status), sort_keys=False) for slot in self.slots}

    async def __aenter__(self) -> Self:
        self._sockets.mkdir(mode=0o700)
        self._stack.callback(shutil.rmtree, self._sockets, ignore_errors=True)
        try:
            await self._fill()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _fill(self) -> None:
        _program(
            self._sockets / "bin" / "ssh",
            f'exec {sys.executable} -I -S {ssh_client.__file__} {self._sockets} "$@"',
        )
        _program(self._sockets / "with-lab-ssh", f'PATH={self._sockets}/bin:$PATH exec "$@"')
        addresses = [f"127.77.{i >> 8}.{i & 255}" for i in range(1, self._n + 1)]
        self._directory.mkdir(parents=True, exist_ok=True)
        certificate = await asyncio.to_thread(make_certificate, self._directory, *addresses)
        for i, address in enumerate(addresses, 1):
            name = f"lab-{i:03}"
            machine = SimulatedMachine(
                self._directory / name,
                self._sockets,
                serial=f"LAB{i:05}",
                uuid=str(uuid.uuid5(_NAMESPACE, name)),
                macs=(f"02:00:00:77:{i >> 8:02x}:{i & 255:02x}",),
                address=address,
                boot_url=self._boot_url,
                post_seconds=self._post_seconds,
            )
            self._stack.push_async_callback(machine.power_off)
            served = await serve(LabBmc(machine), host=address, certificate=certificate)
            self._stack.push_async_callback(served.close)
            self.slots.append(Slot(name, machine, served))
        bmc = self.slots[0].bmc.bmc
        self.secrets[CREDENTIAL] = {"username": bmc.username, "password": bmc.password, "ca": str(certificate.ca)}


def profiles(image: Image) -> dict[str, str]:
    """The rack's sku and release as a site's profile files, by path."""
    sku = {"system_disk": {"model": SYSTEM_DISK_MODEL}}
    release = {"image": image.model_dump(mode="json"), "roles": ["lab_node"]}
    return {f"skus/{SKU}.yaml": yaml.safe_dump(sku), f"releases/{RELEASE}.yaml": yaml.safe_dump(release)}


def _node(slot: Slot, status: str) -> dict[str, object]:
    machine = slot.machine
    address = {"cidr": f"{machine.address}/24", "primary": True}
    return {
        "name": slot.name,
        "status": status,
        "serial": machine.serial,
        "uuid": machine.uuid,
        "rack": "R1",
        "bmc": {"address": slot.bmc.address, "credential": CREDENTIAL},
        "interfaces": [{"name": "eth0", "mac": machine.macs[0], "addresses": [address]}],
        "sku": SKU,
        "release": RELEASE,
    }


def _program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o700)
