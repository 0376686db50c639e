"""One QEMU machine on the provisioning network, a boot service that can be stopped, and an open grant: for tests here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from boot.server import serving
from boot.service import BootService
from lab.memory import MemoryBus, MemoryStore
from lab.qemu.machine import Firmware, QemuMachine
from lab.qemu.provisioning import Provisioning, provisioning
from tests.fixtures.runs import WIPING
from workflows.drivers.secrets import MappingSecrets
from workflows.model.desired import Address, Desired, Intent, Interface
from workflows.model.grant import Grant, GrantState, Report
from workflows.model.profile import DiskHint, Image, Profile, Release, Sku
from workflows.model.run import Run
from workflows.model.served import Home, Served, served_key

NODE, ADDRESS = "lab.n1", "10.77.0.11"
VLAN, VLAN_ADDRESS, VLAN_GATEWAY, VLAN_MTU = 120, "10.78.0.11", "10.78.0.1", 1400
GRANT_NAME = f"{NODE}.g1.1"
GRANT_KEY = f"grant.{GRANT_NAME}"
LONG = timedelta(minutes=8)
SECRETS = MappingSecrets({"BRINGUP_SECRET_BOOT_TOKEN": '{"key": "a-key-of-the-tests"}'})


@dataclass
class World:
    """What a test looks at and touches."""

    lab: Provisioning
    machine: QemuMachine
    store: MemoryStore = field(default_factory=MemoryStore)
    bus: MemoryBus = field(default_factory=MemoryBus)
    _serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, more_kernel_arguments: str = "") -> None:
        """Serve machines; the agent's kernel gets these arguments too."""
        arguments = f"{self.lab.settings.kernel_arguments} {more_kernel_arguments}".strip()
        settings = replace(self.lab.settings, kernel_arguments=arguments)
        service = BootService(self.store, self.bus, SECRETS, settings, self.lab.authority.pem)
        await self._serving.enter_async_context(serving(service, *self.lab.listeners(), self.lab.tls))

    async def stop(self) -> None:
        """Be gone."""
        await self._serving.aclose()
        self._serving = AsyncExitStack()

    async def open_grant(self, image: Image) -> None:
        """A run g1 for this machine whose grant is open."""
        desired = desired_of(self.machine, image)
        assert desired.profile is not None
        run = Run(node=NODE, cause="g1", workflow="provision", steps=WIPING, desired=desired)
        grant = Grant(
            node=NODE,
            cause="g1",
            attempt=1,
            state=GrantState.OPEN,
            serial=self.machine.serial,
            uuid=self.machine.uuid,
            macs=self.machine.macs,
            hint=desired.profile.sku.system_disk,
            image=image,
            deadline=await self.store.now() + timedelta(minutes=30),
        )
        self.lab.know([desired])
        await self.store.put(f"desired.{NODE}", desired.encode(), expect=0)
        await self.store.put(f"run.{NODE}.g1", run.encode(), expect=0)
        await self.store.put(GRANT_KEY, grant.encode(), expect=0)

    async def grant(self) -> Grant:
        """The grant as it stands."""
        data = (await self.store.get(GRANT_KEY)).data
        assert data is not None
        return Grant.decode(data)

    async def served(self) -> Served:
        """What the machine was served."""
        data = (await self.store.get(served_key(NODE))).data
        return Served.decode(data) if data is not None else Served(node=NODE)

    async def until(self, what: str, happened: Callable[[], Awaitable[bool]], within: timedelta = LONG) -> None:
        """Poll the world; the console's end is in the failure."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while not await happened():
                    assert self.machine.running(), f"the machine went off while it should have: {what}"
                    await asyncio.sleep(0.5)
        except TimeoutError:
            console = await asyncio.to_thread(self.machine.console.read_bytes)
            pytest.fail(f"not within {within}: {what}\n{console[-3000:].decode(errors='replace')}")

    async def reported(self) -> Report:
        """Wait for the agent's report."""

        async def there() -> bool:
            return (await self.grant()).state is GrantState.REPORTED

        await self.until("the agent reports", there)
        report = (await self.grant()).report
        assert report is not None
        return report

    async def home(self, after: Home | None = None) -> Home:
        """Wait until the installed system phones home, from another boot than ``after``."""

        async def there() -> bool:
            home = (await self.served()).home
            return home is not None and (after is None or home.boot_id != after.boot_id)

        await self.until("the installed system phones home", there)
        home = (await self.served()).home
        assert home is not None
        return home

    async def ssh(self, host_key: str, *command: str) -> tuple[int | None, str]:
        """Run a command on the installed node, with host-key checking on."""
        return await run(self.lab.ssh(ADDRESS, host_key, *command))

    def marker(self) -> str:
        """The agent's count on the system disk."""
        with self.machine.disk("system").open("rb") as disk:
            disk.seek(self.machine.disk_bytes - (1 << 20))
            return disk.read(512).rstrip(b"\0").decode()


@asynccontextmanager
async def one_machine(directory: Path, cache: Path, firmware: Firmware) -> AsyncIterator[World]:
    """The machine, off, with empty disks; nothing is served yet."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(provisioning(directory, cache=cache, site="lab", machines=1))
        machine = QemuMachine(
            network=lab.network,
            number=0,
            directory=directory / "machine",
            serial="LAB0001",
            uuid="4c4c4544-0000-4000-8000-000000000001",
            macs=("52:54:00:77:00:01",),
            firmware=firmware,
        )
        machine.make_disks()
        stack.push_async_callback(machine.power_off)
        world = World(lab, machine)
        stack.push_async_callback(world.stop)
        yield world


def desired_of(machine: QemuMachine, image: Image) -> Desired:
    """The wish: an address on the boot NIC, and one on a VLAN over it."""
    hint = DiskHint(serial=machine.disk_serial("system"))
    address = Address(cidr=f"{ADDRESS}/24", gateway="10.77.0.1", primary=True)
    tagged = Address(cidr=f"{VLAN_ADDRESS}/24", gateway=VLAN_GATEWAY)
    return Desired(
        node=NODE,
        generation=1,
        name="GPU 001",
        dns_name="gpu-001.lab.example",
        status="staged",
        intent=Intent.SERVE,
        serial=machine.serial,
        uuid=machine.uuid,
        interfaces=(
            Interface(name="eth0", mac=machine.macs[0], addresses=(address,)),
            Interface(name="eth0.120", parent="eth0", vlan=VLAN, mtu=VLAN_MTU, addresses=(tagged,)),
        ),
        profile=Profile(sku=Sku(name="lab", system_disk=hint), release=Release(name="r1", image=image)),
    )


async def run(argv: list[str]) -> tuple[int | None, str]:
    """A command's exit code and all that it said."""
    child = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await child.communicate()
    return child.returncode, output.decode(errors="replace")
