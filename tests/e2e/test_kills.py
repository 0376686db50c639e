"""Rows 2, 10 and 22 on real parts: processes killed with ``kill -9`` while QEMU counts writes to the disk.

Then a re-image by a plain NATS message, which waits for approval because the node is in service.
"""

import asyncio
import json

import pytest

from tests.e2e.conftest import Rack
from tests.e2e.lab import SITE

pytestmark = pytest.mark.e2e

DOWN_SECONDS = 3


async def killed(rack: Rack, share: float, since: int, *services: str) -> None:
    """Kill services in mid-write, leave them dead for a moment, start them again."""
    await rack.until_written(share, since)
    for service in services:
        await rack.site.kill(service)
    await asyncio.sleep(DOWN_SECONDS)  # what an operator's restart takes
    for service in services:
        await rack.site.start(service)


async def test_killed_in_mid_write_the_run_ends_well_with_one_write_then_reimaged_by_message(rack: Rack) -> None:
    site, machine = rack.site, rack.machine
    image = site.image.image.raw_size
    await rack.known()
    await rack.stage()
    await killed(rack, 0.1, 0, "worker")
    await killed(rack, 0.35, 0, "boot")
    await killed(rack, 0.6, 0, "worker", "boot")
    first = await rack.until_active()
    once = await machine.qemu.block_written()
    assert image <= once <= 1.2 * image + (64 << 20), "written once, as the disk itself counts"
    assert machine.bmc.bmc.ledger.stale_writes == []

    body = json.dumps({"select": machine.name, "reason": "a plain message"}).encode()
    await site.site.bus.publish(f"command.ann.reimage.{SITE}", body)

    async def asks() -> bool:
        return bool((await site.status(rack.node)).get("digest"))

    await site.until("the re-image waits for approval", asks, 60)
    assert machine.qemu.running(), "nothing is touched before a person approved"
    await site.site.bus.publish(f"command.bob.approve.{SITE}", json.dumps({"select": machine.name}).encode())

    async def another() -> bool:
        status = await site.status(rack.node)
        assert status["state"] not in ("failed",), f"{status}\n{site.last_words()}"
        return bool(status["state"] == "in-service" and status["run"] != first["run"])

    await site.until("in service again", another, 900)
    again = await machine.qemu.block_written() - once
    assert image <= again <= 1.2 * image + (64 << 20)
    assert machine.qemu.data_untouched()
