"""The service over real HTTP and HTTPS on loopback: the agent's whole conversation, and everything that is refused."""

import json
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from boot.artifacts import publish
from boot.certificates import load_authority, make_server_files
from boot.server import serving
from boot.token import Purpose
from tests.boot.conftest import HOST_KEY, IMAGE, IMAGE_BYTES, MAC, UUID, Site, machine, node, report
from tests.fixtures.runs import WIPING
from workflows.model.desired import Address, Interface
from workflows.model.grant import GrantState
from workflows.model.run import Run

pytestmark = pytest.mark.real

BOOT_ID = "3b5c1f0e-0000-4000-8000-000000000001"


class Caller:
    """A client of both sides. ``trust`` is the pinned CA."""

    def __init__(self, session: aiohttp.ClientSession, http: str, https: str, trust: ssl.SSLContext):
        self.session, self.http, self.https, self.trust = session, http, https, trust

    async def post(self, path: str, body: dict[str, Any] | bytes) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.https + path, data=data, ssl=self.trust) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:

        answer = await self.session.get(URL(self.http + path, encoded=True), headers=headers)
        await answer.read()
        return answer


@pytest.fixture
async def caller(site: Site, tmp_path: Path) -> AsyncIterator[Caller]:
    now = datetime.now(UTC)
    authority = load_authority(tmp_path / "ca", "lab", now)
    tls = make_server_files(authority, ("127.0.0.1",), tmp_path, now)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    http, https = (
        f"http{s}://127.0.0.1:{listener.getsockname()[1]}" for s, listener in zip("_s", listeners, strict=True)
    )
    source = tmp_path / "image"
    source.write_bytes(IMAGE_BYTES)
    publish(source, tmp_path, IMAGE.sha256)
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    async with serving(site.service(), *listeners, tls), aiohttp.ClientSession() as session:
        yield Caller(session, http.replace("_", ""), https, trust)


def hello(site: Site, **changes: object) -> dict[str, Any]:
    return {"token": site.token(), "machine": machine(**changes).model_dump(mode="json")}


def reporting(site: Site, nonce: str = "boot-1", **changes: object) -> dict[str, Any]:
    return {"token": site.token(), "nonce": nonce, "report": report(**changes).model_dump(mode="json")}


def home(site: Site, **changes: object) -> dict[str, Any]:
    token = site.token(Purpose.HOME)
    return {"token": token, "boot_id": BOOT_ID, "host_key": HOST_KEY, "root_uuid": "r"} | changes


async def test_the_whole_conversation_of_a_machine(site: Site, caller: Caller) -> None:
    await site.open_grant()
    script = await caller.get(f"/v1/script?mac={MAC}&serial=SER1&uuid={UUID}")
    assert site.token() in await script.text()
    status, go = await caller.post("/v1/agent/hello", hello(site))
    assert (status, go["disk"], go["grant"]) == (200, "wwn.system", "lab.n1.g1.1")
    taken = await site.grant()
    assert taken.state is GrantState.TAKEN
    assert taken.machine is not None
    assert taken.machine.address == "127.0.0.1", "the address is the peer's, whatever the machine says"
    progress = {"token": site.token(), "nonce": "boot-1", "done": 5, "total": 10}
    assert (await caller.post("/v1/agent/progress", progress))[0] == 200
    assert (await caller.post("/v1/agent/report", reporting(site)))[0] == 200
    assert (await caller.post("/v1/agent/report", reporting(site)))[0] == 200
    assert (await site.grant()).state is GrantState.REPORTED
    assert (await caller.post("/v1/phone-home", home(site)))[0] == 200
    served = await site.served()
    assert served.home is not None
    assert (served.home.boot_id, served.home.host_key, served.agent_scripts) == (BOOT_ID, HOST_KEY, 1)
    assert [len(site.events(what)) for what in ("served", "taken", "progress", "home")] == [1, 1, 1, 1]
    assert await anext(site.bus.wakes()) == "lab.n1"


async def test_a_second_claimant_is_refused_and_told_to_the_runs_owner(site: Site, caller: Caller) -> None:
    await site.open_grant()
    await caller.post("/v1/agent/hello", hello(site))
    status, answer = await caller.post("/v1/agent/hello", hello(site, nonce="boot-2"))
    assert (status, list(answer)) == (409, ["error"])
    assert len(site.events("second-claimant")) == 1


async def test_no_go_without_the_stores_acknowledgement(site: Site, caller: Caller) -> None:
    await site.open_grant()
    site.store.lose_answers = 1
    status, _ = await caller.post("/v1/agent/hello", hello(site))
    assert status == 503
    assert (await caller.post("/v1/agent/hello", hello(site)))[0] == 200


async def test_two_matching_disks_are_listed_for_the_runs_owner(site: Site, caller: Caller) -> None:
    await site.open_grant()
    disks = (machine().disks[0], machine().disks[0].model_copy(update={"id": "wwn.twin"}))
    status, answer = await caller.post("/v1/agent/hello", hello(site, disks=disks))
    assert status == 409
    assert "wwn.twin" in answer["error"]
    (event,) = site.events("no-disk")
    assert [disk["id"] for disk in json.loads(event)["disks"]] == ["wwn.system", "wwn.twin"]
    refused = (await site.grant()).refused
    assert refused is not None
    assert "wwn.twin" in refused.message


async def test_an_image_that_is_not_published_does_not_cost_the_grant(site: Site, caller: Caller) -> None:
    await site.open_grant()
    (site.directory / IMAGE.sha256).unlink()
    status, answer = await caller.post("/v1/agent/hello", hello(site))
    assert status == 503
    assert "not among the artifacts" in answer["error"]
    assert (await site.grant()).state is GrantState.OPEN


async def test_an_image_that_was_cut_short_does_not_cost_the_grant(site: Site, caller: Caller) -> None:
    await site.open_grant()
    artifact = site.directory / IMAGE.sha256
    whole = artifact.read_bytes()
    artifact.write_bytes(whole[:-1])
    status, answer = await caller.post("/v1/agent/hello", hello(site))
    assert status == 503
    assert f"{len(whole) - 1} bytes" in answer["error"]
    assert (await site.grant()).state is GrantState.OPEN
    assert len(site.events("no-image")) == 1
    artifact.write_bytes(whole)
    assert (await caller.post("/v1/agent/hello", hello(site)))[0] == 200


async def test_a_grant_without_a_live_run_is_not_given(site: Site, caller: Caller) -> None:
    await site.open_grant()
    await site.store.delete("run.lab.n1.g1", expect=(await site.store.get("run.lab.n1.g1")).seq)
    assert (await caller.post("/v1/agent/hello", hello(site)))[0] == 403
    assert (await site.grant()).state is GrantState.OPEN


async def test_a_network_that_can_not_be_configured_is_told_before_the_grant_is_spent(
    site: Site, caller: Caller
) -> None:
    await site.open_grant()
    lost = node(interfaces=(Interface(name="eth9", addresses=(Address(cidr="10.0.0.11/24"),)),))
    run = Run(node="lab.n1", cause="g1", workflow="provision", steps=WIPING, desired=lost)
    await site.put("run.lab.n1.g1", run.encode())
    status, answer = await caller.post("/v1/agent/hello", hello(site))
    assert status == 403
    assert "eth9" in answer["error"]
    assert len(site.events("no-seed")) == 1
    assert (await site.grant()).state is GrantState.OPEN


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"{}", 400),
        (b'{"token": "x", "machine": {}, "more": 1}', 400),
        (b'{"token": "' + b"x" * 70_000 + b'"}', 413),
    ],
    ids=["not JSON", "empty", "unknown fields", "too large"],
)
@pytest.mark.parametrize("path", ["/v1/agent/hello", "/v1/agent/progress", "/v1/agent/report", "/v1/phone-home"])
async def test_a_bad_body_gets_one_sentence(caller: Caller, path: str, body: bytes, status: int) -> None:
    got, answer = await caller.post(path, body)
    assert got == status
    assert list(answer) == ["error"]
    assert "\n" not in answer["error"]


async def test_fifty_megabytes_are_refused_unread(caller: Caller) -> None:
    async with caller.session.post(
        f"{caller.https}/v1/agent/hello", data=BytesIO(bytes(50_000_000)), ssl=caller.trust, expect100=True
    ) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"] == "the body is larger than 65536 bytes; send less"


async def test_a_wrong_token_is_refused(site: Site, caller: Caller) -> None:
    await site.open_grant()
    status, _ = await caller.post("/v1/agent/hello", hello(site) | {"token": site.token()[:-1] + "x"})
    assert status == 400
    assert (await site.grant()).state is GrantState.OPEN


async def test_phone_home_with_another_host_key_is_refused_and_told(site: Site, caller: Caller) -> None:
    await site.open_grant()
    assert (await caller.post("/v1/phone-home", home(site)))[0] == 409
    await caller.post("/v1/agent/hello", hello(site))
    await caller.post("/v1/agent/report", reporting(site))
    assert (await caller.post("/v1/phone-home", home(site, host_key="ssh-ed25519 AAAAother")))[0] == 403
    assert len(site.events("wrong-host-key")) == 1
    assert (await site.served()).home is None


@pytest.mark.parametrize(
    "path",
    [
        "/artifacts/../settings.py",
        "/artifacts/..%2f..%2fetc%2fpasswd",
        "/artifacts/%2e%2e",
        "/artifacts/.hidden",
        "/artifacts//etc/passwd",
        "/artifacts/ca",
        "/artifacts/nothing",
        "/artifacts/%00",
    ],
)
async def test_only_artifacts_can_be_downloaded(site: Site, caller: Caller, path: str) -> None:
    (site.directory / ".hidden").write_text("secret")
    assert (await caller.get(path)).status == 404


async def test_ranges_and_etags_of_an_artifact(caller: Caller) -> None:
    part = await caller.get(f"/artifacts/{IMAGE.sha256}", Range="bytes=256-511")
    assert (part.status, await part.read()) == (206, bytes(range(256)))
    again = await caller.get(f"/artifacts/{IMAGE.sha256}", **{"If-None-Match": part.headers["ETag"]})
    assert again.status == 304
    beyond = await caller.get(f"/artifacts/{IMAGE.sha256}", Range="bytes=999999-")
    assert beyond.status == 416


@pytest.mark.parametrize("query", ["mac=zz", "uuid=1", "serial=" + "x" * 200, "serial=a%0ab"])
async def test_identifiers_of_no_machine_are_refused(caller: Caller, query: str) -> None:
    assert (await caller.get(f"/v1/script?{query}")).status == 400


async def test_the_agents_calls_are_not_served_over_plain_http(site: Site, caller: Caller) -> None:
    async with caller.session.post(f"{caller.http}/v1/agent/hello", json=hello(site)) as answer:
        assert answer.status == 404


async def test_a_client_that_pins_another_ca_does_not_speak_to_us(caller: Caller, tmp_path: Path) -> None:
    other = load_authority(tmp_path / "other", "other", datetime.now(UTC))
    caller.trust = ssl.create_default_context(cadata=other.pem.decode())
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await caller.post("/v1/agent/hello", {})


async def test_a_node_that_appears_later_is_known(site: Site, caller: Caller) -> None:
    await site.add_node(node(node="lab.n2", serial="SER2", uuid=None, interfaces=()))
    while True:
        await caller.get("/v1/script?serial=SER2")
        if (await site.served("lab.n2")).local_scripts:
            break


def test_the_ca_is_made_once_and_its_key_is_its_owners(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert load_authority(tmp_path, "lab", now).pem == load_authority(tmp_path, "lab", now).pem
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
