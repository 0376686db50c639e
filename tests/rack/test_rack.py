"""The rack by its BMCs: the worker's Redfish driver switches simulated machines, and a rack that ends leaves nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.rack.rack import CREDENTIAL, Rack
from tests.rack.conftest import Boot, eventually
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import Bmc, BootTarget, Power
from workflows.model.desired import BmcTarget
from workflows.model.errors import BadInput
from workflows.model.profile import BmcProtocol

pytestmark = pytest.mark.real


@pytest.fixture
def connect(rack: Rack) -> Callable[[], Bmc]:
    class RackSecrets:
        def get(self, reference: str) -> dict[str, str]:
            return rack.secrets[reference]

    target = BmcTarget(address=rack.slots[0].bmc.address, credential=CREDENTIAL)
    return lambda: BmcDrivers(RackSecrets()).connect(target, BmcProtocol.REDFISH)


async def test_a_bmc_shows_its_machine_and_boots_it_from_the_network_once(
    boot: Boot, rack: Rack, connect: Callable[[], Bmc]
) -> None:
    machine = rack.slots[0].machine
    await boot.grant(machine)
    bmc = connect()
    try:
        facts = await bmc.facts()
        assert (facts.serial, facts.uuid) == (machine.serial, machine.uuid)
        await bmc.open()
        await bmc.boot(BootTarget.NETWORK_ONCE)
        await bmc.power(Power.ON)
        await boot.at_home()
        await bmc.power(Power.OFF)
        await eventually(lambda: not machine.running())
        await bmc.power(Power.ON)
        await eventually(lambda: machine.counts.disk_boots == 2)
    finally:
        await bmc.close()
    assert machine.counts.network_boots == 1, "the override is for one boot"
    assert rack.slots[0].bmc.bmc.ledger.total > 0


async def test_a_rack_that_ends_leaves_no_machine_socket_or_task(boot: Boot, tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with Rack(3, tmp_path / "other", boot.url) as rack:
        for slot in rack.slots:
            await slot.machine.power_on(network=False)
        sockets = Path(rack.command_prefix[0]).parent
        assert len({slot.bmc.url for slot in rack.slots}) == 3
    assert not any(slot.machine.running() for slot in rack.slots)
    assert not sockets.exists()
    assert asyncio.all_tasks() == before


async def test_the_same_directory_is_the_same_rack_again(boot: Boot, tmp_path: Path) -> None:
    async with Rack(1, tmp_path / "rack-a", boot.url, post_seconds=0.01) as rack:
        first = rack.slots[0].machine
        await boot.grant(first)
        await first.power_on(network=True)
        await boot.at_home()
        before = first.system.sha256()
    async with Rack(1, tmp_path / "rack-a", boot.url, post_seconds=0.01) as rack:
        again = rack.slots[0].machine
        assert (again.serial, again.uuid, again.macs) == (first.serial, first.uuid, first.macs)
        assert again.system.sha256() == before
        assert again.system.writes() == 1


@pytest.mark.parametrize("directory", ["with space", "quo'te", "$HOME"])
def test_a_directory_that_a_shell_could_misread_is_refused(directory: str) -> None:
    with pytest.raises(BadInput, match="letters"):
        Rack(1, Path(directory), "http://127.0.0.1:1")
