"""A machine that nobody touches, on both firmwares: network boot, grant, disk, its own system, SSH with a pinned host key.

Then a stray network boot without a grant. The witnesses are the machine's own: QEMU's count of written bytes and of
resets, the marker on the disk, the second disk's file, the SSH server.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from lab.qemu.machine import Firmware
from tests.qemu.world import GRANT_NAME, VLAN, VLAN_ADDRESS, VLAN_MTU, World, one_machine
from workflows.model.grant import GrantState, NextBoot
from workflows.model.profile import Image

pytestmark = pytest.mark.e2e

ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJh1anotherkeyanotherkeyanotherkeyanotherkeya"
NO_KEXEC = "sysctl.kernel.kexec_load_disabled=1"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """BIOS with kexec here, for the chain's machine boots by UEFI; all of them in `make prove`."""
    whole = metafunc.config.getoption("--hypothesis-profile") == "prove"
    cases = (
        [(firmware, how) for firmware in Firmware for how in NextBoot] if whole else [(Firmware.BIOS, NextBoot.KEXEC)]
    )
    metafunc.parametrize(("firmware", "how"), cases, ids=[f"{firmware}-{how}" for firmware, how in cases])


async def test_a_machine_installs_itself_once_and_a_stray_network_boot_costs_nothing(
    firmware: Firmware, how: NextBoot, tmp_path: Path, image_cache: Path
) -> None:
    arguments = "" if how is NextBoot.KEXEC else NO_KEXEC
    async with one_machine(tmp_path, image_cache, firmware) as world:
        image = world.lab.published.image
        await world.open_grant(image)
        await world.start(arguments)
        await world.machine.power_on(network=True)
        await install_while_the_boot_service_dies(world, image, arguments)
        host_key = await check_installed(world, image, how)
        await check_vlan(world, host_key)
        await check_stray_boot(world, host_key, how)


async def install_while_the_boot_service_dies(world: World, image: Image, arguments: str) -> None:
    """Stops the service in mid-write and starts another; the machine goes on where it was."""
    machine = world.machine

    async def some_written() -> bool:
        return await machine.block_written() > image.raw_size // 4

    async def noticed() -> bool:
        return b"asking again" in await asyncio.to_thread(machine.console.read_bytes)

    await world.until("a quarter of the disk is written", some_written)
    await world.stop()
    await world.until("the agent misses the boot service", noticed, timedelta(minutes=2))
    assert (await world.grant()).state is GrantState.TAKEN
    await world.start(arguments)


async def check_installed(world: World, image: Image, how: NextBoot) -> str:
    """The system that came up is the one that the grant wrote, written once, on the one disk. Returns its host key."""
    machine, report = world.machine, await world.reported()
    assert report.ok, report.message
    assert report.raw_sha256 == image.raw_sha256
    assert report.next is how, report.next_reason

    await world.home()
    code, said = await world.ssh(
        report.host_key, "hostname; cat /etc/bringup/grant; findmnt -no UUID /; systemctl is-system-running --wait"
    )
    assert (code, said.split()) == (0, ["gpu-001.lab.example", GRANT_NAME, report.root_uuid, "running"])
    assert machine.posts == (1 if how is NextBoot.KEXEC else 2), "kexec saves the POST between agent and system"
    refused, _ = await world.ssh(ANOTHER_KEY, "true")
    assert refused != 0, "a host with another key must not be let pass"

    assert await machine.block_written() <= 1.2 * image.raw_size
    assert world.marker() == f"bringup-marker 1 {GRANT_NAME}\n"
    assert report.writes_on_disk == 1
    assert machine.data_untouched()
    return report.host_key


async def check_vlan(world: World, host_key: str) -> None:
    """The node made the VLAN over its boot NIC, whatever its system calls that, with the inventory's address and MTU."""
    code, said = await world.ssh(host_key, "ip -d -j addr")
    assert code == 0, said
    links = {link["ifname"]: link for link in json.loads(said)}
    link = links["eth0.120"]
    assert links[link["link"]]["address"] == world.machine.macs[0]
    assert (link["mtu"], link["linkinfo"]["info_data"]["id"]) == (VLAN_MTU, VLAN)
    assert link["operstate"] == "UP"
    assert VLAN_ADDRESS in [address["local"] for address in link["addr_info"]]


async def check_stray_boot(world: World, host_key: str, how: NextBoot) -> None:
    """The network boots again though no grant is open: the disk's system comes up, nothing is written over it.

    UEFI tries each of its network options before the disk, so it may ask for the local script more than once.
    """
    machine, before = world.machine, await world.served()
    await machine.power_off()
    await machine.power_on(network=True)
    await world.home(after=before.home)
    after = await world.served()
    assert after.agent_scripts == before.agent_scripts
    assert after.local_scripts > before.local_scripts
    assert (await world.ssh(host_key, "true"))[0] == 0
    assert world.marker() == f"bringup-marker 1 {GRANT_NAME}\n"
    assert machine.posts == (2 if how is NextBoot.KEXEC else 3)
