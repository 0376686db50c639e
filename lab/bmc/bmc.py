"""One lab BMC: credential, sessions, state, faults and ledger, and what it answers to each request.

Theory of operation. A request passes, in this order: the ledger (everything is counted), the faults that answer before
anything is looked at, authentication, and then the one handler of its verb. A write under a token that is not that of an
open session is refused with 401 and entered in the ledger as stale: zero stale writes is what a fence promises; zero
*obeyed* stale writes is what this BMC guarantees.
"""

import asyncio
import base64
import binascii
import contextlib
import json
import secrets
import time
from collections.abc import Callable

from aiohttp import web

from lab.bmc import resources
from lab.bmc.faults import Faults
from lab.bmc.ledger import READS, Ledger, StaleWrite
from lab.bmc.machine import LabMachine
from lab.bmc.resources import Body, View, error_body
from lab.bmc.sessions import SessionLimit, Sessions
from lab.bmc.state import Chassis, Override
from lab.bmc.traits import PLAIN, Traits

MAX_BODY = 65_536
#: 64 MiB, eight times what our driver reads of an answer.
_FLOOD_CHUNKS = 1024
_OPEN_PATHS = frozenset({resources.ROOT, "/redfish"})


class LabBmc:
    """The BMC of one machine; ``lab.bmc.server.serve`` puts it on the network.

    ``faults`` may be replaced at any time; ``ledger`` says what was asked; ``chassis`` is power and boot.
    """

    def __init__(
        self,
        machine: LabMachine,
        *,
        username: str = "bringup",
        password: str = "lab-password",  # noqa: S107
        traits: Traits = PLAIN,
        now: Callable[[], float] = time.monotonic,
    ):
        self.machine, self.username, self.password, self.traits = machine, username, password, traits
        self.chassis = Chassis(machine, traits)
        self.sessions = Sessions(traits.session_limit, traits.session_idle, now)
        self.ledger = Ledger()
        self.faults = Faults()
        self._now = now
        self._answers_again = 0.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one Redfish request."""
        verb, path = request.method, request.path.rstrip("/") or "/"
        self.ledger.saw(verb, path)
        faults = self.faults
        self.chassis.stuck = faults.stuck
        if faults.delay:
            await asyncio.sleep(faults.delay)
        away = faults.hang_up or self._now() < self._answers_again
        if away or (faults.drop_before and verb not in READS):
            return _drop(request)
        if faults.restless:
            self.chassis.version += 1
        if faults.error_every and self.ledger.total % faults.error_every == 0:
            return _error(500, "InternalError", "The request failed due to an internal service error.")
        if faults.redirect:
            return web.Response(status=307, headers={"Location": faults.redirect + path})
        if faults.garbage:
            return web.Response(body=b'{"Name": "half an ans', content_type="application/json")
        if faults.flood:
            return await _flood(request)
        if faults.busy and path not in _OPEN_PATHS:
            return _error(503, "ServiceTemporarilyUnavailable", "The service is busy.", {"Retry-After": "5"})
        if path == resources.SESSIONS and verb == "POST" and self.traits.sessions:
            return await self._login(request)
        refused = self._authenticate(request, verb, path)
        answer = refused or await self._act(request, verb, path)
        return _drop(request) if faults.drop_after and verb not in READS else answer

    def _authenticate(self, request: web.Request, verb: str, path: str) -> web.Response | None:
        if path in _OPEN_PATHS and verb in READS:
            return None
        token = request.headers.get("X-Auth-Token")
        if token is not None:
            if self.sessions.by_token(token) is not None:
                return None
            if verb not in READS:
                self.ledger.stale_writes.append(StaleWrite(verb, path, self.sessions.was_ended(token)))
            return _error(401, "NoValidSession", "There is no valid session established with the implementation.")
        user, password = _basic(request.headers.get("Authorization", ""))
        if self._knows(user, password):
            return None
        return _error(401, "NoValidSession", "Authentication is required.", {"WWW-Authenticate": "Basic"})

    def _knows(self, user: str, password: str) -> bool:
        same = secrets.compare_digest(
            (user + "\0" + password).encode(), (self.username + "\0" + self.password).encode()
        )
        return same and not self.faults.refuse_logins

    async def _act(self, request: web.Request, verb: str, path: str) -> web.Response:
        view = self._view()
        bodies = resources.tree(view, self.sessions.listed())
        system, boot = resources.system_path(self.traits), resources.boot_path(self.traits)
        if verb in READS and path in bodies:
            return _resource(200, bodies[path])
        if verb == "DELETE" and path.startswith(f"{resources.SESSIONS}/"):
            ended = self.sessions.end(path.rsplit("/", 1)[1])
            return web.Response(status=204) if ended else _not_found(path)
        if verb == "PATCH" and path == boot:
            return await self._set_boot(request, view.etag)
        if verb == "POST" and path == f"{system}/Actions/ComputerSystem.Reset":
            return await self._reset(request)
        if verb == "POST" and path == resources.MANAGER_RESET:
            self.sessions.end_all()
            self._answers_again = self._now() + self.traits.reset_seconds
            return web.Response(status=204)
        if path in bodies:
            return _error(405, "OperationNotAllowed", f"{verb} is not allowed on {path}.")
        return _not_found(path)

    async def _login(self, request: web.Request) -> web.Response:
        body = await _json(request)
        user, password = body.get("UserName"), body.get("Password")
        if not (isinstance(user, str) and isinstance(password, str) and self._knows(user, password)):
            return _error(401, "UnauthorizedLoginAttempt", "The user name or password is wrong.")
        try:
            session = self.sessions.open(user)
        except SessionLimit:
            return _error(503, "SessionLimitExceeded", "The session limit is reached.")
        location = f"{resources.SESSIONS}/{session.id}"
        return _resource(201, resources.session_body(session), {"X-Auth-Token": session.token, "Location": location})

    async def _set_boot(self, request: web.Request, etag: str | None) -> web.Response:
        expected = request.headers.get("If-Match")
        if expected is None and self.traits.if_match:
            return _error(428, "PreconditionRequired", "If-Match is required.")
        if expected is not None and expected not in ("*", etag):
            return _error(412, "PreconditionFailed", "The ETag does not match.")
        wanted = (await _json(request)).get("Boot")
        if not isinstance(wanted, dict):
            return _error(400, "PropertyMissing", "Boot is missing.")
        now = self.chassis.override
        enabled = wanted.get("BootSourceOverrideEnabled", now.enabled)
        target = wanted.get("BootSourceOverrideTarget", now.target)
        if enabled not in ("Disabled", "Once", "Continuous") or target not in self.traits.boot_targets:
            return _error(400, "PropertyValueNotInList", f"{enabled!s:.40} {target!s:.40} is not in the list.")
        if not self.faults.ignore_boot:
            self.chassis.set_override(Override(str(enabled), str(target)))
        return web.Response(status=204)

    async def _reset(self, request: web.Request) -> web.Response:
        kind = (await _json(request)).get("ResetType")
        if kind not in self.traits.reset_types:
            return _error(400, "ActionParameterNotSupported", f"ResetType {kind!s:.40} is not supported.")
        if not self.faults.ignore_power:
            self.chassis.reset(str(kind))
        return web.Response(status=204)

    def _view(self) -> View:
        return View(
            traits=self.traits,
            serial=self.faults.serial or self.machine.serial,
            uuid=self.faults.uuid or self.machine.uuid,
            macs=self.machine.macs,
            power=self.chassis.power_state,
            override=self.chassis.override,
            etag=f'"{self.chassis.version}"' if self.traits.etags else None,
        )


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


async def _json(request: web.Request) -> Body:
    try:
        body = json.loads(await request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _resource(status: int, body: Body, headers: dict[str, str] | None = None) -> web.Response:
    tag = body.get("@odata.etag")
    tagged = {"ETag": tag} if isinstance(tag, str) else {}
    return web.json_response(body, status=status, headers=(headers or {}) | tagged | {"OData-Version": "4.0"})


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(error_body(code, message), status=status, headers=headers)


def _not_found(path: str) -> web.Response:
    return _error(404, "ResourceMissingAtURI", f"There is no resource at {path[:200]}.")


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _flood(request: web.Request) -> web.StreamResponse:
    """Many times what any client should read. Gives way between chunks, else it never hears that the client left.

    Over TLS, what is written to a connection on its way down is kept in memory, so the flood itself is bounded.
    """
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(_FLOOD_CHUNKS):
            if request.transport is None or request.transport.is_closing():
                break
            await response.write(b" " * 65_536)
            await asyncio.sleep(0)
    return response
