"""The Redfish driver against a lab BMC that misbehaves: each fault ends in the error that tells the engine what to do."""

import asyncio
import time

import pytest

from lab.bmc.bmc import LabBmc
from lab.bmc.faults import Faults
from lab.bmc.profiles import DGX_H100
from lab.bmc.server import serve
from lab.bmc.simulated import SimulatedMachine
from lab.bmc.traits import Traits
from tests.drivers_bmc.conftest import MakeRack, Rack
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import BootTarget, Power
from workflows.model.desired import BmcTarget
from workflows.model.errors import (
    AuthenticationFailed,
    BringupError,
    Busy,
    Refused,
    Unreachable,
    Unsupported,
)
from workflows.model.profile import BmcProtocol

pytestmark = pytest.mark.real


async def test_a_bmc_that_accepts_and_ignores_is_shown_by_the_read_back(rack: Rack) -> None:
    rack.bmc.faults = Faults(ignore_power=True, ignore_boot=True)
    bmc = rack.connect()
    await bmc.open()
    await bmc.boot(BootTarget.NETWORK_ONCE)
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    facts = await bmc.facts()
    assert (facts.power, facts.boot) == (Power.OFF, BootTarget.DISK)


async def test_power_that_never_comes_reads_unknown(rack: Rack) -> None:
    rack.bmc.faults = Faults(stuck=True)
    bmc = rack.connect()
    await bmc.open()
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    assert (await bmc.facts()).power is Power.UNKNOWN


async def test_a_swapped_machine_is_seen_within_one_claim(rack: Rack) -> None:
    bmc = rack.connect()
    before = await bmc.facts()
    rack.bmc.faults = Faults(serial="OTHER", uuid="11111111-2222-3333-4444-555555555555")
    after = await bmc.facts()
    assert (after.serial, after.uuid) == ("OTHER", "11111111-2222-3333-4444-555555555555")
    assert before.serial != after.serial


@pytest.mark.parametrize(
    ("faults", "expected", "says"),
    [
        (Faults(busy=True), Busy, "503"),
        (Faults(error_every=1), Busy, "500"),
        (Faults(garbage=True), Refused, "no JSON object"),
        (Faults(flood=True), Refused, "more than"),
        (Faults(redirect="https://elsewhere.example"), Refused, "redirects are not followed"),
    ],
)
async def test_each_fault_has_its_error(rack: Rack, faults: Faults, expected: type[BringupError], says: str) -> None:
    rack.bmc.faults = faults
    with pytest.raises(expected, match=says) as caught:
        await rack.connect().facts()
    assert "127.0.0.1" in str(caught.value)
    assert rack.bmc.password not in str(caught.value)


async def test_a_silent_bmc_is_unreachable_within_the_time(make_rack: MakeRack) -> None:
    rack = await make_rack(timeout=0.3)
    rack.bmc.faults = Faults(delay=30.0)
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"0\.3 s"):
        await rack.connect().facts()
    assert time.monotonic() - started < 3


async def test_an_answer_that_drips_for_ever_is_unreachable_within_the_time(make_rack: MakeRack) -> None:
    rack = await make_rack(timeout=0.5)
    rack.bmc.faults = Faults(drip=True)
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"0\.5 s"):
        await rack.connect().facts()
    assert time.monotonic() - started < 5


async def test_a_write_is_bounded_as_a_whole(make_rack: MakeRack) -> None:
    rack = await make_rack(timeout=0.5)
    bmc = rack.connect()
    await bmc.open()
    rack.bmc.faults = Faults(delay=0.4)
    with pytest.raises(Unreachable, match="power on"):
        await bmc.power(Power.ON)
    assert not rack.machine.running()


async def test_nobody_listens(make_rack: MakeRack) -> None:
    rack = await make_rack()
    bmc = rack.connect()
    await rack.served.close()
    with pytest.raises(Unreachable):
        await bmc.facts()


@pytest.mark.parametrize("acted", [False, True])
async def test_a_lost_answer_is_no_hidden_retry(rack: Rack, acted: bool) -> None:
    bmc = rack.connect()
    await bmc.open()
    rack.bmc.faults = Faults(drop_before=not acted, drop_after=acted)
    with pytest.raises(Unreachable):
        await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    assert rack.machine.running() is acted
    assert sum(n for (verb, path), n in rack.bmc.ledger.requests.items() if verb == "POST" and "Reset" in path) == 1
    rack.bmc.faults = Faults()
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    assert rack.machine.boots == ["disk"], "asked again, it is on and was started once"


async def test_a_dropped_read_is_no_hidden_retry(rack: Rack) -> None:
    bmc = rack.connect()
    await bmc.facts()
    before = rack.bmc.ledger.total
    rack.bmc.faults = Faults(hang_up=True)
    with pytest.raises(Unreachable):
        await bmc.facts()
    assert rack.bmc.ledger.total == before + 1


async def test_a_resource_that_somebody_changed_is_not_overwritten(make_rack: MakeRack) -> None:
    rack = await make_rack(DGX_H100)
    bmc = rack.connect()
    await bmc.open()
    rack.bmc.faults = Faults(restless=True)
    with pytest.raises(Busy, match="412"):
        await bmc.boot(BootTarget.NETWORK_ONCE)
    assert rack.bmc.chassis.override.enabled == "Disabled"


@pytest.mark.parametrize("call", ["facts", "open"])
async def test_a_wrong_password_is_sent_once_by_all_together(rack: Rack, call: str) -> None:
    rack.secrets.secrets["bmc"] = rack.secrets.secrets["bmc"] | {"password": "wrong"}
    with pytest.raises(AuthenticationFailed, match="correct the secret"):
        await getattr(rack.connect(), call)()
    asked = rack.bmc.ledger.total
    for again in ("facts", "open"):
        with pytest.raises(AuthenticationFailed, match="not tried again"):
            await getattr(rack.connect(), again)()
    sent = [v for v in rack.bmc.ledger.requests.elements() if v[1] != "/redfish/v1"]
    assert len(sent) == 1
    assert rack.bmc.ledger.total <= asked + 2
    rack.secrets.secrets["bmc"] = rack.secrets.secrets["bmc"] | {"password": rack.bmc.password}
    assert (await rack.connect().facts()).serial == rack.machine.serial


async def test_the_session_limit_is_busy(make_rack: MakeRack) -> None:
    rack = await make_rack(Traits(session_limit=1))
    await rack.connect().open()
    with pytest.raises(Busy, match="limit"):
        await rack.connect().open()


async def test_an_idle_session_expires_and_fences(make_rack: MakeRack) -> None:
    rack = await make_rack(Traits(session_idle=-1.0))
    bmc = rack.connect()
    await bmc.open()
    with pytest.raises(BringupError, match="ended"):
        await bmc.facts()


async def test_no_network_boot_is_unsupported(rack: Rack) -> None:
    bmc = rack.connect()
    await bmc.open()
    rack.bmc.traits = Traits(boot_targets=("None", "Hdd"))
    with pytest.raises(Unsupported, match="network boot"):
        await bmc.boot(BootTarget.NETWORK_ONCE)


async def test_no_hard_power_off_is_unsupported(make_rack: MakeRack) -> None:
    rack = await make_rack(Traits(reset_types=("On", "GracefulShutdown")))
    bmc = rack.connect()
    await bmc.open()
    await bmc.power(Power.ON)
    await rack.bmc.chassis.settled()
    with pytest.raises(Unsupported, match="GracefulShutdown"):
        await bmc.power(Power.OFF)


async def test_a_certificate_of_unknown_origin_gets_no_credential(rack: Rack) -> None:
    fields = rack.secrets.secrets["bmc"]
    rack.secrets.secrets["bmc"] = {k: v for k, v in fields.items() if k != "ca"}
    with pytest.raises(Refused, match="not trusted"):
        await rack.connect().facts()
    assert rack.bmc.ledger.total == 0
    rack.secrets.secrets["bmc"] |= {"fingerprint": rack.certificate.fingerprint}
    assert (await rack.connect().facts()).serial == rack.machine.serial
    rack.secrets.secrets["bmc"] |= {"fingerprint": "00" * 32}
    with pytest.raises(Refused, match="not trusted"):
        await rack.connect().facts()


async def test_plain_http_only_where_the_secret_permits_it(rack: Rack) -> None:
    async with await serve(LabBmc(SimulatedMachine("S", rack.machine.uuid))) as plain:
        target = BmcTarget(address=plain.url, credential="bmc")
        with pytest.raises(Refused, match="plain HTTP"):
            rack.drivers.connect(target, BmcProtocol.REDFISH)
        rack.secrets.secrets["bmc"] = {"username": "bringup", "password": "lab-password", "insecure": "true"}
        bmc = BmcDrivers(rack.secrets).connect(target, BmcProtocol.REDFISH)
        assert (await bmc.facts()).serial == "S"
        await bmc.close()


async def test_a_slow_bmc_delays_no_other(make_rack: MakeRack) -> None:
    slow, quick = await make_rack(timeout=5.0), await make_rack()
    slow.bmc.faults = Faults(delay=2.0)
    waiting = asyncio.create_task(slow.connect().facts())
    await asyncio.wait_for(quick.connect().facts(), 1.5)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
