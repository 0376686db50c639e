"""The spine: a status set in NetBox takes a machine that nobody touched into service, every part real but the hardware."""

import pytest

from tests.e2e.conftest import Rack

pytestmark = pytest.mark.e2e


async def test_staged_in_netbox_becomes_active_by_evidence(rack: Rack) -> None:
    site, machine = rack.site, rack.machine
    await rack.known()
    assert machine.bmc.bmc.ledger.writes == 0, "planned: nothing may be touched"

    await rack.stage()
    status = await rack.until_active()

    assert status["accepted_run"] == status["run"]
    assert status["report"], "accepted on evidence"
    image = site.image.image.raw_size
    assert image <= await machine.qemu.block_written() <= 1.2 * image + (64 << 20)
    assert machine.qemu.data_untouched()
    assert machine.qemu.boots == 2, "one network boot, and the proof boot from disk"
    assert machine.bmc.bmc.ledger.stale_writes == []
    entries = await rack.api.rows("extras/journal-entries", assigned_object_id=rack.device)
    assert any("succeeded" in e["comments"] for e in entries)
    assert "in-service" in await site.cli("status")
