"""Rows 2, 10 and 22 on real parts: processes killed with ``kill -9`` while QEMU counts writes to the disk.

Then a re-image by one person's plain NATS message and another's approval, because the node is in service. The witness of
each write is the disk itself: the marker that the agent leaves near its end, read from the disk's file.
"""

import asyncio

import pytest

from lab.site.racked import Racked

pytestmark = pytest.mark.e2e

DOWN_SECONDS = 3


async def killed(site: Racked, share: float, *services: str) -> None:
    """Kill services in mid-write, leave them dead for a moment, start them again."""
    await site.until_written(share)
    for service in services:
        await site.site.services.kill(service)
    await asyncio.sleep(DOWN_SECONDS)  # what an operator's restart takes
    for service in services:
        await site.site.services.start(service)


async def test_killed_in_mid_write_the_run_ends_well_with_one_write_then_reimaged_by_message(site: Racked) -> None:
    (machine,), (node,) = site.site.machines, site.nodes
    disk, image = machine.qemu.drive("system"), site.site.image.raw_size
    await site.known()
    await site.stage()
    await killed(site, 0.1, "worker")
    await killed(site, 0.35, "boot")
    await killed(site, 0.6, "worker", "boot")
    first = await site.until_in_service()
    once = await machine.qemu.block_written()
    assert image <= once <= 1.2 * image + (64 << 20), "written once, as QEMU counts"
    assert disk.marker() == (1, f"{first['run']}.1"), "written once, as the disk says"
    assert machine.bmc.bmc.ledger.stale_writes == []

    await site.site.send("ann", "reimage", select=machine.name, reason="a plain message")

    async def asks() -> bool:
        return bool((await site.site.status(node)).get("digest"))

    await site.site.until("the re-image waits for approval", asks, 60)
    assert machine.qemu.running(), "nothing is touched before a person approved"
    await site.site.send("bob", "approve", select=machine.name)
    again = await site.until_in_service(after=str(first["run"]))
    assert image <= await machine.qemu.block_written() - once <= 1.2 * image + (64 << 20)
    assert disk.marker() == (2, f"{again['run']}.1"), "one more write, by the re-image's own grant"
    assert machine.qemu.data_untouched()

    shown = await site.site.services.cli("ann", "show", machine.name)
    for entry in ("parked", "approved by bob", "deploy", "burn_in", "finished"):
        assert entry in shown, shown
