"""The IPMI driver against OpenIPMI's simulator, whose chassis control switches a machine of the lab."""

import asyncio
import shutil
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from lab.bmc.simulated import SimulatedMachine
from lab.ipmi import ServedIpmi, serve_ipmi
from lab.ipmi_files import SENSORS, emulation
from tests.drivers_bmc.conftest import SERIAL, UUID, Secrets
from workflows.drivers.bmcs import IPMI_AT_ONCE, BmcDrivers
from workflows.drivers.ipmi import IpmiBmc
from workflows.engine.ports import BootTarget, Power
from workflows.model.desired import BmcTarget
from workflows.model.errors import AuthenticationFailed, BringupError, Busy, Refused, Unreachable, Unsupported
from workflows.model.profile import BmcProtocol

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("ipmi_sim") is None, reason="Debian's openipmi (ipmi_sim) is not installed"),
]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[ServedIpmi]:
    async with await serve_ipmi(SimulatedMachine(SERIAL, UUID), tmp_path) as sim:
        yield sim


def connect(
    served: ServedIpmi,
    username: str = "bringup",
    password: str = "lab-password",  # noqa: S107
    timeout: float = 10.0,
    drivers: BmcDrivers | None = None,
) -> IpmiBmc:
    secrets = Secrets(bmc={"username": username, "password": password})
    drivers = drivers or BmcDrivers(secrets, timedelta(seconds=timeout))
    bmc = drivers.connect(BmcTarget(address=served.address, credential="bmc"), BmcProtocol.IPMI)
    assert isinstance(bmc, IpmiBmc)
    return bmc


async def take_all_sessions(served: ServedIpmi) -> None:
    """Open sessions and never go on with them, until the BMC says that it has no more (63 of ipmi_sim)."""
    host, _, port = served.address.rpartition(":")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as console:
        console.setblocking(False)
        console.connect((host, int(port)))
        for number in range(1, 100):
            wish = struct.pack("<BBHI", number, 4, 0, number)
            wish += b"".join(struct.pack("<BBBBBBBB", kind, 0, 0, 8, 1, 0, 0, 0) for kind in (0, 1, 2))
            await loop.sock_sendall(
                console, b"\x06\x00\xff\x07" + struct.pack("<BBIIH", 6, 0x10, 0, 0, len(wish)) + wish
            )
            async with asyncio.timeout(5):
                if (await loop.sock_recv(console, 200))[17] == 1:
                    return
    raise AssertionError("it has no limit")


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


@pytest.mark.parametrize(
    ("username", "password", "error", "said"),
    [
        ("bringup", "hunter2", AuthenticationFailed, "the password is wrong"),
        ("nobody", "lab-password", AuthenticationFailed, "it knows no such user"),
    ],
)
async def test_each_refusal_of_a_login_is_said_by_its_name(
    served: ServedIpmi, username: str, password: str, error: type[BringupError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        await connect(served, username, password).facts()
    assert type(caught.value) is error
    assert password not in str(caught.value)


async def test_no_session_left_is_not_now(served: ServedIpmi) -> None:
    await take_all_sessions(served)
    with pytest.raises(Busy, match="no session left"):
        await connect(served).facts()


async def test_nobody_there_is_unreachable_within_the_time_out(served: ServedIpmi) -> None:
    bmc = connect(served, timeout=1.0)
    await served.close()
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        await bmc.facts()
    assert time.monotonic() - started < 3.0


async def test_the_survey_has_sensors_and_says_that_no_password_is_needed(served: ServedIpmi) -> None:
    report = await connect(served).survey()
    assert (report.serial, report.uuid, report.power, report.bmc) == (SERIAL, UUID, "off", "9.08")
    assert [(s.name, s.reading, s.state) for s in report.sensors] == [
        (SENSORS[0][0], "42°C", "ok"),
        (SENSORS[1][0], "95°C", "critical"),
    ]
    (finding,) = report.findings
    assert finding.startswith("cipher suite 0 is enabled")
    assert report.gaps == ()


async def test_the_event_log_is_read_oldest_first_and_cut_to_the_newest(served: ServedIpmi) -> None:
    bmc = connect(served)
    lines = [(line.severity, line.text, line.log) for line in await bmc.events(10)]
    assert lines == [
        ("critical", "Temperature: GPU1 Temp: Upper critical", "SEL"),
        ("failed", "Memory: Sensor 32.3.0: Uncorrectable error", "SEL"),
    ]
    assert [line.severity for line in await bmc.events(1)] == ["failed"]


async def test_a_bmc_without_sensors_and_log_is_read_with_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same simulator with neither."""
    bare = "\n".join(row for row in emulation(SERIAL).splitlines() if not row.startswith(("sensor", "main_sdr", "sel")))
    monkeypatch.setattr("lab.ipmi.emulation", lambda serial: bare)
    async with await serve_ipmi(SimulatedMachine(SERIAL, UUID), tmp_path) as served:
        report = await connect(served).survey()
        assert (report.serial, report.sensors) == (SERIAL, ())
        assert report.gaps[0].startswith("sensors: ")
        with pytest.raises(Unsupported, match="event log can't be read"):
            await connect(served).events(10)


async def test_many_bmcs_at_once_take_turns(tmp_path: Path) -> None:
    answers, most = await ask_all(tmp_path, count=6, at_once=2, dead=0)
    assert answers == [f"SN{n}" for n in range(6)]
    assert most == 2


@pytest.mark.long
async def test_a_hundred_bmcs_at_once_of_which_some_are_dead(tmp_path: Path) -> None:
    answers, most = await ask_all(tmp_path, count=100, at_once=IPMI_AT_ONCE, dead=10, timeout=30)
    assert answers[10:] == [f"SN{n}" for n in range(10, 100)]
    assert all(isinstance(dead, Unreachable) for dead in answers[:10])
    assert most <= IPMI_AT_ONCE


async def ask_all(
    directory: Path, count: int, at_once: int, dead: int, timeout: float = 10
) -> tuple[list[object], int]:
    """Ask all for their facts at once, the first ones dead: what each answers, and the most children that lived."""
    secrets = Secrets(bmc={"username": "bringup", "password": "lab-password"})
    drivers = BmcDrivers(secrets, timedelta(seconds=timeout), ipmi_at_once=at_once)
    async with AsyncExitStack() as rack:
        served = []
        for number in range(count):
            (directory / str(number)).mkdir()
            sim = await serve_ipmi(SimulatedMachine(f"SN{number}", UUID), directory / str(number))
            served.append(await rack.enter_async_context(sim))
        for sim in served[:dead]:
            sim.freeze()
        asked = asyncio.gather(*(connect(sim, drivers=drivers).facts() for sim in served), return_exceptions=True)
        most = 0
        while not asked.done():
            most = max(most, children())
            await asyncio.sleep(0.02)
        return [getattr(facts, "serial", facts) for facts in await asked], most


def children() -> int:
    """How many IPMI children of this process live."""
    me = Path("/proc/self/task")
    pids = [pid for task in me.iterdir() for pid in (task / "children").read_text().split()]
    return sum(b"ipmi/child.py" in command_line(pid) for pid in pids)


def command_line(pid: str) -> bytes:
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""


async def test_a_hung_bmc_costs_no_more_than_the_time_out(served: ServedIpmi) -> None:
    bmc = connect(served, timeout=2.0)
    await bmc.open()
    served.freeze()
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await bmc.power(Power.ON)
    assert time.monotonic() - started < 4.0
    assert not machine_of(served).running()
