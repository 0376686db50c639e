"""Row 22 on a real machine: its plug is pulled while QEMU counts writes to its disk.

The run goes on by itself with a new grant for the same machine and disk. The witness is the disk's own marker, read while
the machine is dead: each grant wrote once, and the grant that was lost is never given back.
"""

import pytest

from lab.site.racked import Racked
from workflows.model.grant import Grant, GrantState
from workflows.model.status import NodeState

pytestmark = pytest.mark.e2e

#: The worker looks at a machine that writes every five minutes.
LOOKS_AGAIN_SECONDS = 400


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One loss that a person has seen; in `make prove` also two that nobody saw, the most that a run survives."""
    whole = metafunc.config.getoption("--hypothesis-profile") == "prove"
    metafunc.parametrize(("losses", "seen"), [(1, True), *([(2, False)] if whole else [])])


async def test_a_machine_that_lost_power_in_mid_write_ends_in_service_by_a_new_grant(
    site: Racked, losses: int, seen: bool
) -> None:
    (machine,), (node,) = site.site.machines, site.nodes
    disk = machine.qemu.drive("system")
    await site.known()
    await site.stage()
    written = 0
    for loss in range(1, losses + 1):
        await site.until_written(0.3, since=written)
        await machine.qemu.power_off()
        written = await machine.qemu.block_written()
        run = str((await site.site.status(node))["run"])
        assert disk.marker() == (loss, f"{run}.{loss}"), "the plug was pulled after this grant's write began"
        if seen:
            await ask_to_look(site)

        async def on_again() -> bool:
            return machine.qemu.running()

        await site.site.until("the machine is sent to the network again", on_again, LOOKS_AGAIN_SECONDS)
    status = await site.until_in_service()
    assert disk.marker() == (losses + 1, f"{status['run']}.{losses + 1}")
    assert await grants(site, str(status["run"])) == [GrantState.TAKEN] * losses + [GrantState.REPORTED]
    assert machine.qemu.boots == losses + 2, "each loss cost one more network boot"
    assert machine.qemu.data_untouched()
    assert machine.bmc.bmc.ledger.stale_writes == []


async def ask_to_look(site: Racked) -> None:
    """Who sees the rack go dark needn't wait for the next look: a run that is held and released looks at once."""
    (machine,), (node,) = site.site.machines, site.nodes

    async def held() -> bool:
        return (await site.site.status(node)).get("state") == NodeState.HELD

    await site.site.send("ann", "hold", select=machine.name, reason="the rack is dark")
    await site.site.until("the run is held", held, 60)
    await site.site.send("bob", "unhold", select=machine.name)


async def grants(site: Racked, run: str) -> list[GrantState]:
    """The states of a run's grants, by attempt."""
    found = [Grant.decode(v.data or b"") for v in await site.site.seen.store.list(f"grant.{run}.*")]
    return [grant.state for grant in sorted(found, key=lambda grant: grant.attempt)]
