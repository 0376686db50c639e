"""The IPMI driver against OpenIPMI's simulator, whose chassis control switches a machine of the lab."""

import shutil
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.bmc.simulated import SimulatedMachine
from lab.ipmi import ServedIpmi, serve_ipmi
from tests.drivers_bmc.conftest import SERIAL, UUID, Secrets
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import Bmc, BootTarget, Power
from workflows.model.desired import BmcTarget
from workflows.model.errors import AuthenticationFailed, Refused, Unreachable, Unsupported
from workflows.model.profile import BmcProtocol

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("ipmi_sim") is None, reason="Debian's openipmi (ipmi_sim) is not installed"),
]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[ServedIpmi]:
    async with await serve_ipmi(SimulatedMachine(SERIAL, UUID), tmp_path) as sim:
        yield sim


def connect(served: ServedIpmi, password: str = "lab-password", timeout: float = 10.0) -> Bmc:  # noqa: S107
    drivers = BmcDrivers(Secrets(bmc={"username": "bringup", "password": password}), timedelta(seconds=timeout))
    return drivers.connect(BmcTarget(address=served.address, credential="bmc"), BmcProtocol.IPMI)


def machine_of(served: ServedIpmi) -> SimulatedMachine:
    assert isinstance(served.machine, SimulatedMachine)
    return served.machine


async def test_reads_who_the_machine_is(served: ServedIpmi) -> None:
    facts = await connect(served).facts()
    assert (facts.serial, facts.uuid, facts.power, facts.boot) == (SERIAL, UUID, Power.OFF, BootTarget.DISK)
    assert (facts.vendor, facts.model) == ("Lab", "Lab Server")


async def test_one_network_boot_and_then_the_disk(served: ServedIpmi) -> None:
    bmc = connect(served)
    assert await bmc.open() is None
    await bmc.boot(BootTarget.NETWORK_ONCE)
    assert (await bmc.facts()).boot is BootTarget.NETWORK_ONCE
    await bmc.power(Power.ON)
    facts = await bmc.facts()
    assert (facts.power, facts.boot) == (Power.ON, BootTarget.DISK)
    await bmc.power(Power.OFF)
    await bmc.power(Power.ON)
    assert machine_of(served).boots == ["network", "disk"]
    await bmc.power(Power.OFF)
    await bmc.boot(BootTarget.NETWORK_ONCE)
    await bmc.boot(BootTarget.DISK)
    await bmc.power(Power.ON)
    assert machine_of(served).boots == ["network", "disk", "disk"]


async def test_power_that_is_there_is_not_asked_for_again(served: ServedIpmi) -> None:
    bmc = connect(served)
    await bmc.open()
    await bmc.power(Power.OFF)
    assert not [asked for asked in served.asked if asked.startswith("set power")]


async def test_a_write_before_open_sends_nothing(served: ServedIpmi) -> None:
    with pytest.raises(Refused, match="before open"):
        await connect(served).power(Power.ON)
    assert served.asked == []


async def test_no_session_to_end(served: ServedIpmi) -> None:
    with pytest.raises(Unsupported):
        await connect(served).end_session("/redfish/v1/SessionService/Sessions/1")


async def test_a_wrong_password_is_sent_once(served: ServedIpmi) -> None:
    bmc = connect(served, password="wrong")
    with pytest.raises(AuthenticationFailed, match="correct the secret"):
        await bmc.facts()
    await served.close()
    with pytest.raises(AuthenticationFailed, match="not tried again"):
        await bmc.facts()


async def test_a_hung_bmc_costs_no_more_than_the_time_out(served: ServedIpmi) -> None:
    bmc = connect(served, timeout=2.0)
    await bmc.open()
    served.freeze()
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await bmc.power(Power.ON)
    assert time.monotonic() - started < 4.0
    assert not machine_of(served).running()
