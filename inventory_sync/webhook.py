"""NetBox's webhooks: checked, turned into a hint, answered in milliseconds. Nothing is read or decided here.

A hook is signed with HMAC-SHA512 over the raw body (``X-Hook-Signature``, hex; NetBox: extras/webhooks). An unsigned or
wrongly signed one leaves no trace but the answer: whoever can reach the port must not be able to fill our streams. One
that is signed and can't be parsed goes to ``dead.netbox`` with the reason.
"""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from inventory_sync.fanout import RELEVANT, touched
from workflows.engine.ports import Bus
from workflows.model.errors import BadInput, Unreachable

log = logging.getLogger(__name__)

PATH = "/netbox/webhook"
MAX_BODY = 1_048_576
_TYPE = re.compile(r"[a-z0-9_]{1,40}\.[a-z0-9_]{1,40}")
_HEAD = 2000


def webhook_app(bus: Bus, secret: Callable[[], str]) -> web.Application:
    """The endpoint ``POST /netbox/webhook``. ``secret`` is asked for each hook, so that it can be changed while we run.

    Answers 204 once the hint is stored; 401 (signature), 413 (over 1 MiB), 400 (signed, but no hook; kept in
    ``dead.netbox``) or 503 (the hint could not be stored) with one sentence.
    """

    async def take(request: web.Request) -> web.Response:
        if request.content_length is not None and request.content_length > MAX_BODY:
            return _no(413, f"the body is longer than {MAX_BODY} bytes")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _no(413, f"the body is longer than {MAX_BODY} bytes")
        if not is_signed(body, request.headers.get("X-Hook-Signature", ""), secret()):
            log.warning("webhook refused: wrong signature", extra={"peer": request.remote})
            return _no(401, "the signature is missing or wrong: is the secret the one that `bringup netbox init` set?")
        try:
            return await _store(bus, body)
        except Unreachable as error:
            return _no(503, f"the hint was not stored, the change log will bring it: {error}")

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post(PATH, take)
    return app


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether the signature is that of the body; the comparison takes the same time for any wrong one."""
    right = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def parse_hook(body: bytes) -> tuple[str, bytes] | None:
    """The subject and data of a hint; None for an object that no node depends on.

    Raises:
        BadInput: no hook; the message says what is wrong with it.
    """
    try:
        hook: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the body isn't JSON: {error}") from None
    kind = hook.get("object_type") if isinstance(hook, dict) else None
    data = hook.get("data") if isinstance(hook, dict) else None
    pk = data.get("id") if isinstance(data, dict) else None
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind) or not isinstance(pk, int) or pk < 1:
        raise BadInput("the body is JSON, but no NetBox hook: object_type and data.id are expected")
    if kind not in RELEVANT:
        return None
    snapshots = hook.get("snapshots")
    states = snapshots if isinstance(snapshots, dict) else {}
    both = [s if isinstance(s, dict) else None for s in (states.get("prechange"), states.get("postchange"))]
    return f"evt.netbox.{kind.partition('.')[2]}.{pk}", touched(kind, pk, *both).encode()


async def _store(bus: Bus, body: bytes) -> web.Response:
    try:
        hint = parse_hook(body)
    except BadInput as error:
        await bus.publish("dead.netbox", f"webhook: {error}\n".encode() + body[:_HEAD])
        return _no(400, str(error))
    if hint is not None:
        await bus.publish(*hint)
    return web.Response(status=204)


def _no(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
