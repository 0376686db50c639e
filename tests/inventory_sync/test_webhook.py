"""The webhook endpoint over real HTTP: what is stored, what is refused with which sentence, and what leaves no trace."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from inventory_sync.fanout import Touched
from inventory_sync.webhook import MAX_BODY, PATH, webhook_app
from lab.memory.bus import MemoryBus
from workflows.engine.ports import Message
from workflows.model.errors import Unreachable

pytestmark = pytest.mark.real

SECRET = "a secret of the test"
HOOK = {
    "event": "updated",
    "object_type": "dcim.interface",
    "data": {"id": 7, "device": {"id": 2}},
    "snapshots": {"prechange": {"device": 2}, "postchange": {"device": 2}},
}


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def url(bus: MemoryBus) -> AsyncIterator[str]:
    async with TestServer(webhook_app(bus, lambda: SECRET)) as server:
        yield str(server.make_url(PATH))


async def post(url: str, body: bytes, secret: str | None = SECRET) -> tuple[int, Any]:
    headers = {}
    if secret is not None:
        headers["X-Hook-Signature"] = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text)["error"] if text else ""


def kept(bus: MemoryBus, *subjects: str) -> list[Message]:
    return [m for subject in subjects for m in bus.kept(subject)]


async def test_a_signed_hook_becomes_a_hint(bus: MemoryBus, url: str) -> None:
    assert await post(url, json.dumps(HOOK).encode()) == (204, "")
    [message] = kept(bus, "evt.>")
    assert message.subject == "evt.netbox.interface.7"
    assert Touched.decode(message.data) == Touched(devices=frozenset({2}))


@pytest.mark.parametrize("secret", [None, "another secret", ""])
async def test_a_wrong_signature_leaves_no_trace(bus: MemoryBus, url: str, secret: str | None) -> None:
    status, sentence = await post(url, json.dumps(HOOK).encode(), secret)
    assert status == 401
    assert sentence.startswith("the signature is missing or wrong")
    assert kept(bus, "evt.>", "dead.>") == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"not json", "the body isn't JSON"),
        (b"[" * 100_000, "the body isn't JSON"),
        (b"[]", "the body is JSON, but no NetBox hook"),
        (json.dumps(HOOK | {"object_type": "a.b.>"}).encode(), "the body is JSON, but no NetBox hook"),
        (json.dumps(HOOK | {"data": {"id": "7.>"}}).encode(), "the body is JSON, but no NetBox hook"),
    ],
)
async def test_what_is_signed_and_no_hook_is_kept_with_the_reason(
    bus: MemoryBus, url: str, body: bytes, sentence: str
) -> None:
    status, answer = await post(url, body)
    assert status == 400
    assert answer.startswith(sentence)
    [dead] = kept(bus, "dead.>")
    assert dead.subject == "dead.netbox"
    assert sentence.encode() in dead.data
    assert len(dead.data) < 5000
    assert kept(bus, "evt.>") == []


async def test_fifty_megabytes_are_refused_unread(bus: MemoryBus, url: str) -> None:
    status, sentence = await _announce(url, 50 * MAX_BODY)
    assert status == 413
    assert sentence == f"the body is longer than {MAX_BODY} bytes"
    assert kept(bus, "evt.>", "dead.>") == []


async def test_a_long_body_without_a_length_is_refused_too(url: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 65_536

    async with aiohttp.ClientSession() as session, session.post(url, data=chunks()) as answer:
        assert answer.status == 413


async def test_an_object_that_no_node_depends_on_is_taken_and_forgotten(bus: MemoryBus, url: str) -> None:
    assert await post(url, json.dumps(HOOK | {"object_type": "circuits.circuit"}).encode()) == (204, "")
    assert kept(bus, "evt.>", "dead.>") == []


async def test_a_hint_that_could_not_be_stored_is_said_to_be(
    bus: MemoryBus, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object, **__: object) -> int:
        raise Unreachable("NATS is away")

    monkeypatch.setattr(bus, "publish", down)
    status, sentence = await post(url, json.dumps(HOOK).encode())
    assert status == 503
    assert "NATS is away" in sentence


async def _announce(url: str, length: int) -> tuple[int, str]:
    """Send a head that announces a long body, and read the answer without sending it."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"POST {where.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = int(next(line for line in head.split("\r\n") if line.lower().startswith("content-length")).split(":")[1])
    body = await reader.readexactly(size)
    writer.close()
    await writer.wait_closed()
    return int(head.split(" ")[1]), json.loads(body)["error"]
