"""The Redfish driver against the lab BMC over TLS: identity, power, boot, sessions, and how many requests they take."""

import asyncio
from collections.abc import Callable

import pytest

from lab.bmc.faults import Faults
from lab.bmc.profiles import DGX_H100, GB200
from lab.bmc.traits import PLAIN, Traits
from tests.drivers_bmc.conftest import SERIAL, UUID, MakeRack, Rack
from workflows.engine.ports import Bmc, BootTarget, Power
from workflows.model.errors import Fenced, Refused

pytestmark = pytest.mark.real

KINDS = pytest.mark.parametrize("traits", [PLAIN, DGX_H100, GB200], ids=["plain", "dgx", "gb200"])


async def _requests(rack: Rack, act: Callable[[], object]) -> int:
    before = rack.bmc.ledger.total
    result = act()
    if hasattr(result, "__await__"):
        await result
    return rack.bmc.ledger.total - before


def _looks(traits: Traits) -> int:
    """Requests of one look: the System, its settings object, and the chassis where the System shows no serial."""
    return 1 + traits.settings + (traits.serial_at == "chassis")


@KINDS
async def test_reads_who_the_machine_is(make_rack: MakeRack, traits: Traits) -> None:
    rack = await make_rack(traits)
    facts = await rack.connect().facts()
    assert (facts.serial, facts.uuid) == (SERIAL, UUID)
    assert (facts.power, facts.boot) == (Power.OFF, BootTarget.DISK)
    assert facts.system == f"/redfish/v1/Systems/{traits.system_id}"


@KINDS
async def test_one_network_boot_and_then_the_disk(make_rack: MakeRack, traits: Traits) -> None:
    rack = await make_rack(traits)
    bmc = rack.connect()
    await bmc.facts()
    await bmc.open()
    await bmc.boot(BootTarget.NETWORK_ONCE)
    assert (await bmc.facts()).boot is BootTarget.NETWORK_ONCE
    for _ in range(2):
        await bmc.power(Power.ON)
        await rack.bmc.chassis.settled()
        assert (await bmc.facts()).power is Power.ON
        await bmc.power(Power.OFF)
        await rack.bmc.chassis.settled()
    facts = await bmc.facts()
    assert (facts.power, facts.boot) == (Power.OFF, BootTarget.DISK)
    assert rack.machine.boots == ["network", "disk"]


async def test_boot_from_disk_takes_an_override_back(rack: Rack) -> None:
    bmc = rack.connect()
    await bmc.open()
    await bmc.boot(BootTarget.NETWORK_ONCE)
    await bmc.boot(BootTarget.DISK)
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    assert rack.machine.boots == ["disk"]


@KINDS
async def test_few_requests(make_rack: MakeRack, traits: Traits) -> None:
    rack = await make_rack(traits)
    bmc = rack.connect()
    await bmc.facts()
    assert await _requests(rack, bmc.open) == 1
    assert await _requests(rack, lambda: bmc.boot(BootTarget.NETWORK_ONCE)) <= 2
    assert await _requests(rack, lambda: bmc.power(Power.ON)) <= 3
    await rack.bmc.chassis.settled()
    assert await _requests(rack, bmc.facts) <= _looks(traits)
    print(rack.bmc.ledger.summary)  # noqa: T201


@KINDS
async def test_where_things_are_is_found_once_and_not_again_by_the_next_claim(
    make_rack: MakeRack, traits: Traits
) -> None:
    rack = await make_rack(traits)
    first = rack.connect()
    await first.facts()
    await first.close()
    successor = rack.connect()
    assert await _requests(rack, successor.facts) == _looks(traits)


async def test_a_remembered_layout_is_dropped_when_another_bmc_answers_there(rack: Rack) -> None:
    await rack.connect().facts()
    rack.bmc.traits = DGX_H100
    assert (await rack.connect().facts()).system == "/redfish/v1/Systems/DGX"


async def test_power_that_is_there_is_not_asked_for_again(rack: Rack) -> None:
    bmc = rack.connect()
    await bmc.open()
    writes = rack.bmc.ledger.writes
    await bmc.power(Power.OFF)
    assert rack.bmc.ledger.writes == writes
    await bmc.power(Power.ON)
    await bmc.power(Power.ON)
    assert rack.bmc.ledger.writes == writes + 1
    await rack.bmc.chassis.settled()
    assert rack.machine.boots == ["disk"]


async def test_a_write_before_open_sends_nothing(rack: Rack) -> None:
    bmc = rack.connect()
    for write in (bmc.power(Power.ON), bmc.boot(BootTarget.NETWORK_ONCE), bmc.reset_bmc()):
        with pytest.raises(Refused, match="before open"):
            await write
    assert rack.bmc.ledger.total == 0


async def test_a_stale_session_can_do_nothing_any_more(rack: Rack) -> None:
    stale, successor = rack.connect(), rack.connect()
    await stale.facts()
    old = await stale.open()
    assert old is not None
    assert await successor.open() != old
    await successor.end_session(old)
    for call in (stale.power(Power.ON), stale.boot(BootTarget.NETWORK_ONCE), stale.facts()):
        with pytest.raises(Fenced, match="ended"):
            await call
    assert not rack.machine.boots
    assert rack.bmc.chassis.override.enabled == "Disabled"
    logins = rack.bmc.ledger.requests["POST", "/redfish/v1/SessionService/Sessions"]
    assert logins == 2, "a stale driver must never log in again"
    await successor.power(Power.ON)
    await rack.bmc.chassis.settled()
    assert rack.machine.running()


async def test_a_write_on_its_way_when_the_session_ends_is_refused_and_counted(rack: Rack) -> None:
    stale, successor = rack.connect(), rack.connect()
    old = await stale.open()
    assert old is not None
    await successor.open()
    await stale.facts()
    reset = ("POST", "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset")
    rack.bmc.faults = Faults(delay=0.5)
    write = asyncio.create_task(stale.power(Power.ON))
    await asyncio.wait_for(rack.bmc.ledger.arrival(*reset), 10)
    assert rack.bmc.sessions.end(old.rsplit("/", 1)[1])
    with pytest.raises(Fenced):
        await write
    await rack.bmc.chassis.settled()
    assert rack.machine.boots == []
    assert [(w.verb, w.path, w.known) for w in rack.bmc.ledger.stale_writes] == [(*reset, True)]
    assert "stale write: POST" in rack.bmc.ledger.summary


async def test_ending_a_session_that_is_gone_is_no_error(rack: Rack) -> None:
    bmc = rack.connect()
    await bmc.open()
    await bmc.end_session("/redfish/v1/SessionService/Sessions/77")
    with pytest.raises(Refused, match="no session"):
        await bmc.end_session("/redfish/v1/Systems/1")


async def test_close_ends_the_session_and_only_that_one(rack: Rack) -> None:
    bmc, other = rack.connect(), rack.connect()
    await bmc.open()
    kept = await other.open()
    await bmc.close()
    assert [f"/redfish/v1/SessionService/Sessions/{s.id}" for s in rack.bmc.sessions.listed()] == [kept]


async def test_close_of_a_dead_bmc_does_not_raise(rack: Rack) -> None:
    bmc: Bmc = rack.connect()
    await bmc.open()
    await rack.served.close()
    await bmc.close()


async def test_a_restart_of_the_bmc_ends_the_session(make_rack: MakeRack) -> None:
    rack = await make_rack(Traits(reset_seconds=0.0))
    bmc = rack.connect()
    await bmc.open()
    await bmc.reset_bmc()
    with pytest.raises(Fenced):
        await bmc.facts()
    again = rack.connect()
    assert (await again.facts()).serial == SERIAL


async def test_a_bmc_without_sessions_follows_the_time_rule(make_rack: MakeRack) -> None:
    rack = await make_rack(Traits(sessions=False))
    bmc = rack.connect()
    assert await bmc.open() is None
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    assert rack.machine.running()
