"""The page's HTTP API without a browser: nothing for strangers, nothing forged, and bad input is one clear sentence."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar

from frontends.web.page import Page
from frontends.web.people import digest_of
from tests.fakes.web_site import TOKENS, WebSite
from workflows.model.command import Command, parse_command

pytestmark = pytest.mark.real

HOSTILE = "<img src=x onerror=alert(1)>\u202e\x00'\"; DROP"


@pytest.fixture
async def http(served: WebSite) -> AsyncIterator[ClientSession]:
    async with ClientSession(served.url, cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


def bearer(who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[who]}"}


async def post(http: ClientSession, path: str, body: Any, who: str | None = "ann", **headers: str) -> tuple[int, Any]:
    sent = (bearer(who) if who else {}) | headers
    async with http.post(path, json=body, headers=sent) as answer:
        return answer.status, await answer.json()


async def test_a_stranger_gets_nothing_but_the_page_to_sign_in_at(http: ClientSession) -> None:
    for route in Page.ROUTES:
        if route.path in ("/api/login", "/api/openapi.json"):
            continue
        path = route.path.replace("{node}", "lab.nb-1").replace("{cause}", "g1")
        async with http.request(route.method, path, json={}) as answer:
            assert (route.path, answer.status) == (route.path, 401)
            assert (await answer.json()) == {"error": "sign in first"}
    assert await post(http, "/api/login", {"token": "guessed"}, who=None) == (401, {"error": "nobody has this token"})


async def test_every_answer_forbids_framing_sniffing_and_foreign_script(http: ClientSession) -> None:
    for path in ("/", "/static/main.js", "/api/me", "/api/openapi.json", "/nowhere"):
        async with http.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_session_needs_its_csrf_token_and_a_forged_cookie_is_nobodys(
    http: ClientSession, served: WebSite
) -> None:
    async with http.post("/api/login", json={"token": TOKENS["ann"]}) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    body = {"verb": "adopt", "select": "gpu-015"}
    assert (await post(http, "/api/commands", body, who=None))[0] == 403
    assert (await post(http, "/api/commands", body, who=None, **{"X-CSRF-Token": "guess"}))[0] == 403
    async with http.get("/api/me") as answer:
        me = await answer.json()
    status, outcome = await post(http, "/api/commands", body, who=None, **{"X-CSRF-Token": me["csrf"]})
    assert (status, outcome["who"], outcome["accepted"]) == (200, "ann", True)
    value = cookie.partition("=")[2].partition(";")[0]
    async with ClientSession(served.url) as other:
        for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), "x.y", value.partition(".")[0], ""):
            async with other.get("/api/me", headers={"Cookie": f"bringup_session={forged}"}) as answer:
                assert answer.status == 401


async def test_who_gets_another_token_is_signed_out(http: ClientSession, served: WebSite) -> None:
    await http.post("/api/login", json={"token": TOKENS["vic"]})
    async with http.get("/api/me") as answer:
        assert (await answer.json())["verbs"] == []
    people = served.people.read_text()
    for changed in (people.replace(digest_of(TOKENS["vic"]), digest_of("another")), people.replace("vic:", "vicky:")):
        served.people.write_text(changed)
        async with http.get("/api/me") as answer:
            assert answer.status == 401


async def test_the_command_is_the_clis_in_the_persons_name(http: ClientSession, served: WebSite) -> None:
    sent: list[Command] = []
    publish = served.site.bus.publish

    async def seen(subject: str, data: bytes, *, dedupe: str | None = None) -> int:
        sequence = await publish(subject, data, dedupe=dedupe)
        if subject.startswith("command."):
            sent.append(parse_command(subject, data, sequence, served.clock.now(), frozenset({"web"})))
        return sequence

    served.site.bus.publish = seen  # type: ignore[method-assign]
    asked = {"verb": "adopt", "select": "gpu-015", "reason": HOSTILE.replace("\x00", "")}
    status, outcome = await post(http, "/api/commands", asked)
    assert (status, outcome["accepted"]) == (200, True)
    (command,) = sent
    assert (command.who, command.verb, command.service) == ("ann", "adopt", False)


async def test_what_a_person_may_not_is_refused_at_the_command_whatever_was_previewed(http: ClientSession) -> None:
    for who, asked, said in (
        ("vic", {"verb": "hold", "select": "gpu-001"}, "look only"),
        ("bob", {"verb": "approve", "select": "gpu-003"}, "doesn't include approve"),
        ("bob", {"verb": "hold", "select": "gpu-[001-008]"}, "your limit is 4"),
        ("bob", {"verb": "hold", "select": "gpu-020"}, "you may act in R12 only"),
        ("ann", {"verb": "reimage", "select": "gpu-001", "force": True}, "only an admin"),
    ):
        status, answer = await post(http, "/api/commands", asked, who=who)
        assert (status, said in answer["error"]) == (403, True), answer
        status, preview = await post(http, "/api/preview", asked, who=who)
        assert said in preview["refusal"]


async def test_what_changed_since_it_was_previewed_is_refused(http: ClientSession, served: WebSite) -> None:
    _, preview = await post(http, "/api/preview", {"verb": "reimage", "select": "gpu-001"})
    assert preview["after"] == "g1"
    assert preview["destroys"]
    stale = {"verb": "reimage", "select": "gpu-001", "after": "c99"}
    status, outcome = await post(http, "/api/commands", stale)
    assert (status, outcome["accepted"]) == (200, False)
    assert "newest run" in outcome["nodes"][0]["text"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/commands", b"{"),
        ("/api/commands", b"[]"),
        ("/api/commands", json.dumps({"verb": "explode", "select": "gpu-001"}).encode()),
        ("/api/commands", json.dumps({"verb": "hold", "select": ""}).encode()),
        ("/api/commands", json.dumps({"verb": "hold", "select": HOSTILE}).encode()),
        ("/api/commands", json.dumps({"verb": "hold", "select": "gpu-001", "for": "bob"}).encode()),
        ("/api/commands", json.dumps({"verb": "hold", "select": "campaign:none"}).encode()),
        ("/api/preview", json.dumps({"verb": "hold", "select": "gpu-[1-99999999]"}).encode()),
        ("/api/preview", b"\xff\xfe"),
        ("/api/login", b"{}"),
    ],
)
async def test_bad_input_is_one_sentence_and_never_a_trace(http: ClientSession, path: str, body: bytes) -> None:
    headers = bearer("ann") | {"Content-Type": "application/json"}
    async with http.post(path, data=body, headers=headers) as answer:
        said = await answer.json()
    assert answer.status == 400
    assert set(said) == {"error"}
    assert "Traceback" not in said["error"]


async def test_an_answer_is_never_longer_than_asked_and_a_huge_body_is_refused(http: ClientSession) -> None:
    async with http.post("/api/commands", data=b"x" * 200_000, headers=bearer("ann")) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(
    "path", ["/api/nodes/lab.*", "/api/nodes/x/runs/>", "/api/nodes/lab.nb-1/runs/..%2f", "/static/../page.py"]
)
async def test_no_path_reaches_another_key_or_file(http: ClientSession, path: str) -> None:
    async with http.get(path, headers=bearer("ann")) as answer:
        assert answer.status in (400, 404)


async def test_changes_are_gathered_and_each_node_comes_once_as_it_is(http: ClientSession, served: WebSite) -> None:
    async with http.get("/api/fleet", headers=bearer("vic")) as answer:
        fleet = await answer.json()
    async with http.get(f"/api/events?after={fleet['revision']}&life={fleet['life']}", headers=bearer("vic")) as stream:
        for tries in range(50):
            await served.status("lab.nb-7", reason=f"said {tries}")
        news = await _event(stream)
    assert [r["why"] for r in news["rows"]] == ["said 49"]
    async with http.get("/api/events?after=1&life=another", headers=bearer("vic")) as stream:
        assert (await stream.content.readline()) == b"event: stale\n"


async def test_a_run_is_told_with_its_bars_journal_report_and_log(http: ClientSession) -> None:
    async with http.get("/api/nodes/lab.nb-1/runs/g1", headers=bearer("vic")) as answer:
        run = await answer.json()
    assert run["outcome"] == "succeeded"
    assert [b["step"] for b in run["bars"]] == [s["step"] for s in run["steps"]]
    assert all(b["well"] for b in run["bars"])
    assert any(line["entry"] == "approved by ann" for line in run["journal"])
    assert run["report"]["checks"]
    async with http.get("/api/nodes/lab.nb-1/runs/g1/log", headers=bearer("vic")) as stream:
        assert (await _event(stream))["text"].startswith("<script>")


async def test_the_api_is_described_and_nothing_else_is_served(http: ClientSession) -> None:
    async with http.get("/api/openapi.json") as answer:
        described = await answer.json()
    assert set(described["paths"]) == {r.path for r in Page.ROUTES}
    body = described["paths"]["/api/commands"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "reimage" in body["properties"]["verb"]["enum"]
    assert "$ref" not in json.dumps(body)


async def _event(stream: Any) -> Any:
    async with asyncio.timeout(10):
        while not (line := await stream.content.readline()).startswith(b"data: "):
            pass
    return json.loads(line.removeprefix(b"data: "))
