"""An image that another tool made, as qcow2: imported, deployed, booted by its own boot loader, and named by cloud-init.

mkosi builds it (Debian, systemd-boot, cloud-init with netplan), so nothing in it knows of bringup.
"""

from pathlib import Path

import pytest

from boot.image.import_image import import_image
from lab.qemu.machine import Firmware
from tests.qemu.test_boot import check_vlan
from tests.qemu.world import GRANT_NAME, World, one_machine
from workflows.model.grant import NextBoot

# Building an image with another tool and booting it takes many minutes; the agent itself is shown by test_boot.
pytestmark = [pytest.mark.e2e, pytest.mark.long]

GIB = 1 << 30


async def test_an_image_of_another_tool_becomes_the_node_that_the_inventory_names(
    tmp_path: Path, image_cache: Path, foreign_image: Path
) -> None:
    async with one_machine(tmp_path, image_cache, Firmware.UEFI) as world:
        image = import_image(foreign_image, world.lab.settings.artifacts, tmp_path / "work")
        await world.open_grant(image)
        await world.start()
        await world.machine.power_on(network=True)
        report = await world.reported()
        assert report.ok, report.message
        assert report.root_uuid == image.root_uuid
        assert (report.next, report.next_reason) == (NextBoot.KEXEC, "linux was loaded"), (
            "by the image's own boot entry"
        )
        home = await world.home()
        assert home.host_key == report.host_key
        first_id = await check_named(world, report.host_key, report.root_uuid)
        await check_vlan(world, report.host_key)

        await world.machine.power_off()
        await world.machine.power_on(network=False)
        await world.home(after=home)
        assert await check_named(world, report.host_key, report.root_uuid) == first_id
        code, said = await world.ssh(report.host_key, "bootctl --no-pager status")
        assert "Product: systemd-boot" in said, (code, said)
        assert world.machine.posts == 2, "network boot and proof boot: kexec saved the one between"
        assert world.machine.data_untouched()


async def check_named(world: World, host_key: str, root_uuid: str) -> str:
    """cloud-init is done without complaint and the node is whom the inventory names. Returns its machine id."""
    code, said = await world.ssh(
        host_key,
        "cloud-init status --wait > /tmp/said 2>&1 || { cat /tmp/said; cloud-init status --long; exit 1; }; "
        "hostname; cat /etc/bringup/grant; findmnt -no UUID /; findmnt -bno SIZE /; ls /etc/ssh/ssh_host_*_key; "
        "cloud-id; cat /etc/machine-id",
    )
    assert code == 0, said
    *words, size, key, cloud, machine_id = said.split()[:7]
    assert words == ["gpu-001.lab.example", GRANT_NAME, root_uuid]
    assert int(size) > 3 * GIB, "the root file system has grown to its disk"
    assert (key, cloud) == ("/etc/ssh/ssh_host_ed25519_key", "nocloud")
    return machine_id
