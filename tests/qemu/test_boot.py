"""A machine that nobody touches, on both firmwares: network boot, grant, disk, its own system, SSH with a pinned host key.

Then a stray network boot without a grant. The witnesses are the machine's own: QEMU's count of written bytes, the marker
on the disk, the second disk's file, the SSH server.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
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
from workflows.model.grant import Grant, GrantState
from workflows.model.profile import DiskHint, Image, Profile, Release, Sku
from workflows.model.run import Run
from workflows.model.served import Served, served_key

pytestmark = pytest.mark.e2e

NODE, ADDRESS = "lab.n1", "10.77.0.11"
GRANT_KEY = f"grant.{NODE}.g1.1"
ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJh1anotherkeyanotherkeyanotherkeyanotherkeya"
LONG = timedelta(minutes=8)
SECRETS = MappingSecrets({"BRINGUP_SECRET_BOOT_TOKEN": '{"key": "a-key-of-the-tests"}'})


def desired_of(machine: QemuMachine, image: Image) -> Desired:
    hint = DiskHint(serial=machine.disk_serial("system"))
    address = Address(cidr=f"{ADDRESS}/24", gateway="10.77.0.1", primary=True)
    return Desired(
        node=NODE,
        generation=1,
        name="GPU 001",
        dns_name="gpu-001.lab.example",
        status="staged",
        intent=Intent.SERVE,
        serial=machine.serial,
        uuid=machine.uuid,
        interfaces=(Interface(name="eth0", mac=machine.macs[0], addresses=(address,)),),
        profile=Profile(sku=Sku(name="lab", system_disk=hint), release=Release(name="r1", image=image)),
    )


async def open_grant(store: MemoryStore, desired: Desired, machine: QemuMachine) -> None:
    assert desired.profile is not None
    run = Run(node=NODE, cause="g1", workflow="provision", steps=WIPING, desired=desired)
    grant = Grant(
        node=NODE,
        cause="g1",
        attempt=1,
        state=GrantState.OPEN,
        serial=machine.serial,
        uuid=machine.uuid,
        macs=machine.macs,
        hint=desired.profile.sku.system_disk,
        image=desired.profile.release.image,
        deadline=await store.now() + timedelta(minutes=30),
    )
    await store.put(f"desired.{NODE}", desired.encode(), expect=0)
    await store.put(f"run.{NODE}.g1", run.encode(), expect=0)
    await store.put(GRANT_KEY, grant.encode(), expect=0)


async def until(what: str, happened: Callable[[], Awaitable[bool]], within: timedelta, machine: QemuMachine) -> None:
    """Poll the world; the console's end is in the failure."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            while not await happened():
                assert machine.running(), f"the machine went off while it should have: {what}"
                await asyncio.sleep(0.5)
    except TimeoutError:
        console = await asyncio.to_thread(machine.console.read_bytes)
        pytest.fail(f"not within {within}: {what}\n{console[-3000:].decode(errors='replace')}")


async def run(argv: list[str]) -> tuple[int | None, str]:
    child = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await child.communicate()
    return child.returncode, output.decode(errors="replace")


async def grant_of(store: MemoryStore) -> Grant:
    data = (await store.get(GRANT_KEY)).data
    assert data is not None
    return Grant.decode(data)


async def served_of(store: MemoryStore) -> Served:
    data = (await store.get(served_key(NODE))).data
    return Served.decode(data) if data is not None else Served(node=NODE)


def marker(machine: QemuMachine) -> str:
    with machine.disk("system").open("rb") as disk:
        disk.seek(machine.disk_bytes - (1 << 20))
        return disk.read(512).rstrip(b"\0").decode()


class World:
    """One machine on the provisioning network, and a boot service that can be stopped and started."""

    def __init__(self, lab: Provisioning, machine: QemuMachine) -> None:
        self.lab, self.machine = lab, machine
        self.store, self.bus = MemoryStore(), MemoryBus()
        self._serving = AsyncExitStack()

    async def start(self) -> None:
        service = BootService(self.store, self.bus, SECRETS, self.lab.settings, self.lab.authority.pem)
        await self._serving.enter_async_context(serving(service, *self.lab.listeners(), self.lab.tls))

    async def stop(self) -> None:
        await self._serving.aclose()
        self._serving = AsyncExitStack()

    async def ssh(self, host_key: str, *command: str) -> tuple[int | None, str]:
        return await run(self.lab.ssh(ADDRESS, host_key, *command))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """BIOS here, for the chain's machine boots by UEFI; both in `make prove`."""
    whole = metafunc.config.getoption("--hypothesis-profile") == "prove"
    metafunc.parametrize("firmware", list(Firmware) if whole else [Firmware.BIOS])


async def test_a_machine_installs_itself_once_and_a_stray_network_boot_costs_nothing(
    firmware: Firmware, tmp_path: Path, image_cache: Path
) -> None:
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(provisioning(tmp_path, cache=image_cache, site="lab", machines=1))
        machine = QemuMachine(
            network=lab.network,
            number=0,
            directory=tmp_path / "machine",
            serial="LAB0001",
            uuid="4c4c4544-0000-4000-8000-000000000001",
            macs=("52:54:00:77:00:01",),
            firmware=firmware,
        )
        machine.make_disks()
        stack.push_async_callback(machine.power_off)
        world, image = World(lab, machine), lab.published.image
        stack.push_async_callback(world.stop)
        desired = desired_of(machine, image)
        lab.know([desired])
        await open_grant(world.store, desired, machine)
        await world.start()

        await machine.power_on(network=True)
        await install_while_the_boot_service_dies(world, image)
        host_key = await check_installed(world, image)
        await check_stray_boot(world, host_key)


async def install_while_the_boot_service_dies(world: World, image: Image) -> None:
    """Stops the service in mid-write and starts another; the machine goes on where it was."""
    machine = world.machine

    async def some_written() -> bool:
        return await machine.block_written() > image.raw_size // 4

    async def noticed() -> bool:
        return b"asking again" in await asyncio.to_thread(machine.console.read_bytes)

    async def reported() -> bool:
        return (await grant_of(world.store)).state is GrantState.REPORTED

    await until("a quarter of the disk is written", some_written, LONG, machine)
    await world.stop()
    await until("the agent misses the boot service", noticed, timedelta(minutes=2), machine)
    assert (await grant_of(world.store)).state is GrantState.TAKEN
    await world.start()
    await until("the agent reports", reported, LONG, machine)


async def check_installed(world: World, image: Image) -> str:
    """The system that came up is the one that the grant wrote, written once, on the one disk. Returns its host key."""
    machine, report = world.machine, (await grant_of(world.store)).report
    assert report is not None
    assert report.ok, report.message
    assert report.raw_sha256 == image.raw_sha256

    async def phoned_home() -> bool:
        return (await served_of(world.store)).home is not None

    await until("the installed system phones home", phoned_home, LONG, machine)
    code, said = await world.ssh(
        report.host_key, "hostname; cat /etc/bringup/grant; findmnt -no UUID /; systemctl is-system-running --wait"
    )
    assert (code, said.split()) == (0, ["gpu-001.lab.example", f"{NODE}.g1.1", report.root_uuid, "running"])
    refused, _ = await world.ssh(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJh1anotherkeyanotherkeyanotherkeyanotherkeya", "true"
    )
    assert refused != 0, "a host with another key must not be let pass"

    assert await machine.block_written() <= 1.2 * image.raw_size
    assert marker(machine) == f"bringup-marker 1 {NODE}.g1.1\n"
    assert report.writes_on_disk == 1
    assert machine.data_untouched()
    return report.host_key


async def check_stray_boot(world: World, host_key: str) -> None:
    """The network boots again though no grant is open: the disk's system comes up, nothing is written over it.

    UEFI tries each of its network options before the disk, so it may ask for the local script more than once.
    """
    machine, before = world.machine, await served_of(world.store)
    assert before.home is not None
    await machine.power_off()
    await machine.power_on(network=True)

    async def came_back() -> bool:
        home = (await served_of(world.store)).home
        return home is not None and home.boot_id != before.home.boot_id

    await until("the machine comes back from its disk", came_back, LONG, machine)
    after = await served_of(world.store)
    assert after.agent_scripts == before.agent_scripts
    assert after.local_scripts > before.local_scripts
    assert (await world.ssh(host_key, "true"))[0] == 0
    assert marker(machine) == f"bringup-marker 1 {NODE}.g1.1\n"
