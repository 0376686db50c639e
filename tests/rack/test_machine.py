"""What a simulated machine does, and what it never does, against the real boot service."""

import pytest

from lab.rack.machine import SimulatedMachine
from tests.rack.conftest import Boot, eventually
from workflows.model.grant import GrantState

pytestmark = pytest.mark.real


async def test_a_granted_machine_writes_its_one_disk_once_boots_it_and_phones_home(
    boot: Boot, machine: SimulatedMachine
) -> None:
    data_before = machine.data.sha256()
    await boot.grant(machine)
    await machine.power_on(network=True)
    home = (await boot.at_home()).home
    grant = await boot.granted()
    assert grant.state is GrantState.REPORTED
    assert grant.report is not None
    assert home is not None
    assert grant.report.ok
    assert (grant.report.host_key, grant.report.root_uuid) == (home.host_key, home.root_uuid)
    assert home.address == machine.address
    assert grant.report.raw_sha256 == boot.image.raw_sha256
    assert machine.system.read(512, 4096) == (boot.directory / "artifacts" / boot.image.sha256).read_bytes()[512:4608]
    assert machine.counts.wipes == machine.system.writes() == grant.report.writes_on_disk == 1
    assert machine.counts.bytes_written == boot.image.size
    assert (machine.counts.network_boots, machine.counts.disk_boots) == (1, 1)
    assert machine.counts.http["POST /v1/agent/report"] == 1
    assert machine.data.sha256() == data_before


async def test_an_image_with_another_hash_is_reported_and_never_booted(boot: Boot, machine: SimulatedMachine) -> None:
    artifact = boot.directory / "artifacts" / boot.image.sha256
    artifact.write_bytes(artifact.read_bytes()[:-1] + b"x")
    await boot.grant(machine)
    await machine.power_on(network=True)
    grant = await boot.until(boot.granted, lambda grant: grant.state is GrantState.REPORTED)
    assert grant.report is not None
    assert (grant.report.ok, grant.report.host_key) == (False, "")
    assert f"the release says {boot.image.raw_sha256}" in grant.report.message


async def test_a_machine_without_a_grant_boots_its_disk_and_writes_nothing(
    boot: Boot, machine: SimulatedMachine
) -> None:
    await boot.want(machine)
    await machine.power_on(network=True)
    await boot.until(boot.served, lambda served: served.local_scripts == 1)
    await eventually(lambda: machine.counts.disk_boots > 0)
    assert machine.running(), "a machine that finds no system stays on, as real ones do"
    assert machine.counts.wipes == machine.system.writes() == 0
    assert machine.counts.http["POST /v1/agent/hello"] == 0


async def test_a_machine_whose_boot_service_is_gone_writes_nothing(boot: Boot, machine: SimulatedMachine) -> None:
    await boot.grant(machine)
    await boot.stop()
    await machine.power_on(network=True)
    await eventually(lambda: machine.counts.disk_boots > 0)
    assert machine.counts.wipes == 0
    assert (await boot.granted()).state is GrantState.OPEN


async def test_a_boot_service_that_dies_in_mid_write_costs_no_second_write(
    boot: Boot, machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boot.agent_calls.CHUNK", 64 << 10)
    await boot.grant(machine)
    await machine.power_on(network=True)
    await eventually(lambda: machine.counts.bytes_written >= boot.image.size // 4)
    await boot.stop()
    assert machine.counts.bytes_written < boot.image.size, "it was too fast to be in mid-write"
    await boot.start()
    await boot.at_home()
    assert machine.counts.wipes == machine.system.writes() == 1
    assert machine.counts.bytes_written == boot.image.size


async def test_a_machine_that_loses_power_in_mid_write_is_not_served_the_agent_again(
    boot: Boot, machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boot.agent_calls.CHUNK", 64 << 10)
    await boot.grant(machine)
    await machine.power_on(network=True)
    await eventually(lambda: machine.counts.bytes_written > 0)
    await machine.power_off()
    assert not machine.running()
    assert (await boot.granted()).state is GrantState.TAKEN
    written = machine.counts.bytes_written
    await machine.power_on(network=True)
    await boot.until(boot.served, lambda served: served.local_scripts == 1)
    await eventually(lambda: machine.counts.disk_boots > 0)
    assert machine.counts.bytes_written == written < boot.image.size


async def test_a_new_boot_of_the_installed_disk_has_a_new_boot_id_and_the_same_root(
    boot: Boot, machine: SimulatedMachine
) -> None:
    await boot.grant(machine)
    await machine.power_on(network=True)
    first = (await boot.at_home()).home
    assert first is not None
    await machine.power_off()
    await machine.power_on(network=False)
    second = (
        await boot.until(boot.served, lambda served: served.home is not None and served.home.boot_id != first.boot_id)
    ).home
    assert second is not None
    assert second.root_uuid == first.root_uuid
    assert machine.counts.network_boots == 1
    assert machine.counts.disk_boots == 2
