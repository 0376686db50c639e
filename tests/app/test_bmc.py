"""``bringup bmc`` as a person meets it: one BMC on loopback, no NATS, no inventory, no configuration."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from lab.bmc.bmc import LabBmc
from lab.bmc.faults import Faults
from lab.bmc.profiles import DGX_H100
from lab.bmc.server import ServedBmc, serve
from lab.bmc.simulated import SimulatedMachine
from lab.bmc.tls import LabCertificate, make_certificate

pytestmark = pytest.mark.real

SERIAL, UUID, MAC = "1662923610124", "3c1f0b0e-0000-4a6e-9d6b-7cc25550a8ff", "7c:c2:55:79:3f:8e"
LOGIN = {"BRINGUP_BMC_USERNAME": "bringup", "BRINGUP_BMC_PASSWORD": "lab-password"}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


async def bringup(*arguments: str, login: dict[str, str] = LOGIN) -> Ran:
    """Run the command with nothing of ours in its environment but the login, and nobody at the keyboard."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "bmc", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "HOME": "/nonexistent"} | login,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    for stream in (out, err):
        assert login.get("BRINGUP_BMC_PASSWORD", "lab-password").encode() not in stream
        assert b"Traceback" not in stream
    return Ran(process.returncode, out.decode(), err.decode())


async def test_a_certificate_is_pinned_by_a_persons_word_alone(served: ServedBmc, tmp_path: Path) -> None:
    place, pins = served.address, ("--pins", str(tmp_path / "pins"))
    refused = await bringup("power", place, *pins)
    assert (refused.code, f"bringup bmc trust {place}" in " ".join(refused.err.split())) == (1, True)
    nobody = await bringup("trust", place, *pins)
    shown = re.search(r"[0-9a-f]{64}", nobody.out)
    assert shown is not None
    wrong = await bringup("trust", place, *pins, "--fingerprint", "00" * 32)
    assert (nobody.code, wrong.code) == (1, 1)
    assert served.bmc.ledger.total == 0
    assert not (tmp_path / "pins").exists()
    approved = await bringup("trust", place, *pins, "--fingerprint", shown[0].upper())
    assert approved.code == 0, approved.err
    assert (await bringup("power", place, *pins)).out.strip() == "off"
    (pin,) = (tmp_path / "pins").iterdir()
    pin.write_text("00" * 32)
    before = served.bmc.ledger.total
    assert (await bringup("power", place, *pins)).code == 1
    assert served.bmc.ledger.total == before


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> LabCertificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
async def served(certificate: LabCertificate) -> AsyncIterator[ServedBmc]:
    machine = SimulatedMachine(SERIAL, UUID, (MAC,))
    async with await serve(LabBmc(machine, traits=DGX_H100), certificate=certificate) as bmc:
        yield bmc


def boots(served: ServedBmc) -> list[str]:
    assert isinstance(served.bmc.machine, SimulatedMachine)
    return served.bmc.machine.boots


async def test_show_says_who_the_machine_is_and_leaves_no_session(
    served: ServedBmc, certificate: LabCertificate
) -> None:
    ran = await bringup("show", served.address, "--ca", str(certificate.ca), "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert (report["serial"], report["uuid"], report["power"]) == (SERIAL, UUID, "off")
    assert report["system"] == "/redfish/v1/Systems/DGX"
    assert [o["path"] for o in report["others"]] == ["/redfish/v1/Systems/HGX_Baseboard_0"]
    assert (report["boot"]["network"], report["boot_macs"]) == ("UefiHttp", [MAC])
    assert report["sessions"]["supported"]
    assert served.bmc.sessions.listed() == ()
    table = await bringup("show", served.address, "--fingerprint", certificate.fingerprint)
    assert SERIAL in table.out
    assert "a GPU baseboard, no machine" in table.out


async def test_power_and_boot_are_read_back(served: ServedBmc, certificate: LabCertificate) -> None:
    ca = ("--ca", str(certificate.ca))
    assert (await bringup("power", served.address, *ca)).out.strip() == "off"
    once = await bringup("boot", served.address, "network-once", *ca)
    assert (once.code, once.out.strip()) == (0, "network-once"), once.err
    on = await bringup("power", served.address, "on", *ca, "--json")
    assert (on.code, json.loads(on.out)["power"]) == (0, "on"), on.err
    assert boots(served) == ["network"]
    assert (await bringup("boot", served.address, *ca)).out.strip() == "disk"
    refused = await bringup("power", served.address, "off", *ca)
    assert (refused.code, served.bmc.machine.running()) == (1, True)
    assert "--yes" in refused.err
    off = await bringup("power", served.address, "off", "--yes", *ca)
    assert (off.code, off.out.strip(), served.bmc.machine.running()) == (0, "off", False)


async def test_a_bmc_that_says_ok_and_does_nothing_is_no_success(
    served: ServedBmc, certificate: LabCertificate
) -> None:
    served.bmc.faults = Faults(ignore_power=True)
    ran = await bringup("power", served.address, "on", "--ca", str(certificate.ca), "--wait", "1")
    assert ran.code == 4
    assert "accepted power on and after 1 s still shows power off" in ran.err


async def test_a_certificate_of_nobody_is_shown_not_trusted(served: ServedBmc, certificate: LabCertificate) -> None:
    ran = await bringup("show", served.address)
    assert ran.code == 1
    assert certificate.fingerprint in ran.err
    assert served.bmc.ledger.total == 0, "nothing was sent to it"
    assert (await bringup("show", served.address, "--insecure")).code == 0


async def test_a_wrong_password_is_said_and_sent_once(served: ServedBmc, certificate: LabCertificate) -> None:
    wrong = LOGIN | {"BRINGUP_BMC_PASSWORD": "not-this-one"}
    ran = await bringup("show", served.address, "--ca", str(certificate.ca), login=wrong)
    assert ran.code == 1
    assert "refused the credential of bringup" in ran.err
    assert served.bmc.ledger.requests["POST", "/redfish/v1/SessionService/Sessions"] == 1


async def test_the_credential_comes_from_the_environment_or_a_private_file(
    served: ServedBmc, certificate: LabCertificate, tmp_path: Path
) -> None:
    file = tmp_path / "bmc.yaml"
    show = ("power", served.address, "--ca", str(certificate.ca), "--credentials", str(file))
    nothing = await bringup("power", served.address, login={})
    assert (nothing.code, "BRINGUP_BMC_USERNAME and BRINGUP_BMC_PASSWORD" in nothing.err) == (1, True)
    assert "there is no file" in (await bringup(*show, login={})).err
    file.write_text("username: bringup\npassword: lab-password\n")
    file.chmod(0o644)
    assert "chmod 600" in (await bringup(*show, login={})).err
    file.chmod(0o600)
    assert (await bringup(*show, login={})).out.strip() == "off"


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (web.Response(text="<html>switch</html>", content_type="text/html"), 1, "no Redfish service"),
        (web.Response(status=404), 1, "no Redfish service"),
        (
            web.Response(status=401, headers={"WWW-Authenticate": "Basic"}),
            1,
            "wants a password before it says what it is",
        ),
        (
            web.json_response({"RedfishVersion": "1.9.0", "PowerEquipment": {"@odata.id": "/redfish/v1/P"}}),
            1,
            "without Systems",
        ),
        (web.Response(status=302, headers={"Location": "https://elsewhere.example/"}), 1, "https://elsewhere.example/"),
        (web.Response(status=503), 3, "503"),
    ],
    ids=["switch", "nothing", "password first", "pdu", "redirect", "busy"],
)
async def test_what_is_no_bmc_gets_a_sentence_and_no_credential(answer: web.Response, code: int, said: str) -> None:
    sent: list[str] = []

    async def anything(request: web.Request) -> web.Response:
        sent.extend(name for name in request.headers if name.lower() in ("authorization", "x-auth-token"))
        sent.append((await request.read()).decode())
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", anything)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ran = await bringup("show", f"http://127.0.0.1:{runner.addresses[0][1]}", "--insecure")
    finally:
        await runner.cleanup()
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert ran.err.count("\n") == 1, "one sentence"
    assert "".join(sent) == "", "no credential goes to what is no BMC"


@pytest.mark.parametrize(
    ("port", "greeting", "said"),
    [
        ("https", b"HTTP/1.1 200 OK\r\n\r\n{}", "speaks no TLS"),
        ("http", b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "within 0.5 s"),
    ],
    ids=["plain where TLS is spoken", "ssh", "an answer that never ends"],
)
async def test_what_speaks_something_else_is_named_within_the_time(port: str, greeting: bytes, said: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(greeting)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = f"{port}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ran = await asyncio.wait_for(bringup("show", address, "--insecure", "--timeout", "0.5"), 30)
    assert ran.code in (1, 3)
    assert said in ran.err


async def test_an_address_that_is_none_and_a_host_that_is_not_there() -> None:
    assert "BMC address" in (await bringup("show", "user@host/path")).err
    gone = await bringup("show", "127.0.0.1:1")
    assert gone.code == 3
    assert "did not answer" in gone.err
