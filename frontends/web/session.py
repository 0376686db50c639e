"""Sessions: a signed cookie that names a person for twelve hours; nothing is stored, and a restart signs everybody out.

It is bound to the person's present token: who gets another, or is taken out of the file, is signed out at once.

A request that changes anything must carry the session's CSRF token in a header, which no other site's page can read or
set; the cookie is ``SameSite=Strict`` and ``HttpOnly`` besides. A program sends its token as ``Authorization: Bearer``
instead: a browser never does that by itself, so it needs no CSRF token.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from frontends.web.people import People, Person
from workflows.engine.ports import Clock

COOKIE = "bringup_session"
CSRF_HEADER = "X-CSRF-Token"
LIFE = timedelta(hours=12)
_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Signed:
    """Who sent a request. ``csrf`` is empty where he came by a bearer token."""

    name: str
    person: Person
    csrf: str = ""


@dataclass(slots=True)
class Sessions:
    """Signs and reads cookies. ``secure``: the page is reached by HTTPS."""

    people: People
    clock: Clock
    secure: bool
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def open(self, response: web.StreamResponse, name: str) -> str:
        """Put a session into the answer; returns its CSRF token."""
        until, token = self.clock.now() + LIFE, self.people.all()[name].token_sha256
        csrf = secrets.token_urlsafe(18)
        body = base64.urlsafe_b64encode(json.dumps([name, until.timestamp(), csrf, token[:16]]).encode()).decode()
        response.set_cookie(
            COOKIE,
            f"{body}.{self._sign(body)}",
            max_age=int(LIFE.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self.secure,
            path="/",
        )
        return csrf

    def who(self, request: web.Request) -> Signed | None:
        """Who sent it; None for nobody that the file of people knows.

        Raises:
            BadInput: the file of people can't be read.
        """
        sent = request.headers.get("Authorization", "")
        if sent.startswith(_BEARER):
            name = self.people.of_token(sent.removeprefix(_BEARER))
            return Signed(name, self.people.all()[name]) if name is not None else None
        name, csrf, token = self._of_cookie(request.cookies.get(COOKIE, ""))
        person = self.people.all().get(name)
        known = person is not None and person.token_sha256.startswith(token)
        return Signed(name, person, csrf) if person is not None and known else None

    def forged(self, request: web.Request, signed: Signed) -> bool:
        """Whether a request that changes something may come from another site's page."""
        return signed.csrf != "" and not hmac.compare_digest(request.headers.get(CSRF_HEADER, ""), signed.csrf)

    def _of_cookie(self, cookie: str) -> tuple[str, str, str]:
        body, _, mac = cookie.partition(".")
        if not hmac.compare_digest(mac.encode(), self._sign(body).encode()):
            return "", "", ""
        name, until, csrf, token = json.loads(base64.urlsafe_b64decode(body))
        expired = self.clock.now() >= datetime.fromtimestamp(until, self.clock.now().tzinfo)
        return ("", "", "") if expired else (name, csrf, token)

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
