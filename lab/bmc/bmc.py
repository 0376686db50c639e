"""One lab BMC: credential, sessions, state, services, faults and ledger, and what it answers to each request.

Theory of operation. A request passes, in this order: the ledger (everything is counted), the faults that answer before
anything is looked at, authentication, and then the one handler that it is meant for. A write under a token that is not that
of an open session is refused with 401 and entered in the ledger as stale: zero stale writes is what a fence promises; zero
*obeyed* stale writes is what this BMC guarantees.
"""

import asyncio
import time
import weakref
from collections.abc import Callable

from aiohttp import web

from lab.bmc import resources
from lab.bmc.accounts import Accounts, basic
from lab.bmc.bios import Bios
from lab.bmc.bodies import ROOT, Body
from lab.bmc.events import STREAM, Events
from lab.bmc.faults import Faults
from lab.bmc.inventory import parts
from lab.bmc.ledger import READS, Ledger, Obeyed, StaleWrite
from lab.bmc.machine import LabMachine
from lab.bmc.media import Media
from lab.bmc.replies import Call, Service, done, dropped, endless, not_found, refused, resource_reply
from lab.bmc.resources import View
from lab.bmc.sessions import SessionLimit, Sessions
from lab.bmc.state import Chassis, Override
from lab.bmc.tasks import LabTask, Tasks
from lab.bmc.traits import PLAIN, Traits
from lab.bmc.update import Update

MAX_BODY = 65_536
_OPEN_PATHS = frozenset({ROOT, "/redfish"})


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
        self.chassis = Chassis(machine, traits, self._booting, self._powered, self._inserted)
        self.sessions = Sessions(traits.session_limit, traits.session_idle, now)
        self.accounts = Accounts(username, password, traits, now)
        self.ledger = Ledger()
        self.faults = Faults()
        self.events = Events()
        self.tasks = Tasks(self._task_changed)
        system = resources.system_path(traits)
        self.bios = Bios(system, self.tasks, jobs=traits.jobs)
        self.media = Media(system)
        self.update = Update(traits, self.tasks, lambda: self.faults.update_fails)
        self._services: tuple[Service, ...] = (self.bios, self.media, self.update, self.tasks, self.events)
        self._now = now
        self._answers_again = 0.0
        self._met: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    async def close(self) -> None:
        """End what goes on by itself; the machine stays as it is."""
        await self.chassis.close()
        await self.tasks.close()
        await self.events.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one Redfish request."""
        verb, path = request.method, request.path.rstrip("/") or "/"
        self.ledger.saw(verb, path)
        faults = self.faults
        self.chassis.stuck = faults.stuck
        if faults.delay:
            await asyncio.sleep(faults.delay)
        away = faults.hang_up or self._now() < self._answers_again or self._is_reused(request)
        if away or (faults.drop_before and verb not in READS):
            return dropped(request)
        if faults.restless:
            self.chassis.version += 1
        if faults.error_every and self.ledger.total % faults.error_every == 0:
            return refused(500, "InternalError", "The request failed due to an internal service error.")
        if faults.redirect:
            return web.Response(status=307, headers={"Location": faults.redirect + path})
        if faults.garbage:
            return web.Response(body=b'{"Name": "half an ans', content_type="application/json")
        if faults.flood:
            return await endless(request, b" " * 65_536, 0)
        if faults.drip:
            return await endless(request, b" ", 0.05)
        if faults.busy and path not in _OPEN_PATHS:
            return refused(503, "ServiceTemporarilyUnavailable", "The service is busy.", {"Retry-After": "5"})
        call = Call(verb, path, request)
        if path == resources.SESSIONS and verb == "POST" and self.traits.sessions:
            return await self._login(call)
        session = self.sessions.by_token(request.headers.get("X-Auth-Token", ""))
        answer = self._authenticate(call) or await self._act(call)
        changes = verb not in READS and not path.startswith(resources.SESSIONS)
        if changes and session is not None and answer.status < 300:
            self.ledger.obeyed.append(Obeyed(int(session.id), verb, path))
        return dropped(request) if faults.drop_after and verb not in READS else answer

    def _is_reused(self, request: web.Request) -> bool:
        """Whether the connection was used before, on a BMC that minds."""
        if not self.traits.resets_reused or request.transport is None:
            return False
        met = request.transport in self._met
        self._met.add(request.transport)
        return met

    def _authenticate(self, call: Call) -> web.Response | None:
        if call.path in _OPEN_PATHS and call.verb in READS:
            return None
        token = call.request.headers.get("X-Auth-Token")
        if token is not None:
            if self.sessions.by_token(token) is not None:
                return None
            if call.verb not in READS:
                self.ledger.stale_writes.append(StaleWrite(call.verb, call.path, self.sessions.was_ended(token)))
            elif self.sessions.was_ended(token):
                self.ledger.stale_reads += 1
            return refused(401, "NoValidSession", "There is no valid session established with the implementation.")
        if self._knows(*basic(call.request.headers.get("Authorization", ""))):
            return None
        return refused(401, "NoValidSession", "Authentication is required.", {"WWW-Authenticate": "Basic"})

    def _knows(self, user: object, password: object) -> bool:
        return self.accounts.knows(user, password) and not self.faults.refuse_logins

    async def _act(self, call: Call) -> web.StreamResponse:
        view = self._view()
        if call.verb in READS:
            return await self._read(call, view)
        system, manager = resources.system_path(self.traits), resources.manager_path(self.traits)
        if call.verb == "DELETE" and call.path.startswith(f"{resources.SESSIONS}/"):
            ended = self.sessions.end(call.path.rsplit("/", 1)[1])
            return done() if ended else not_found(call.path)
        if call.verb == "POST" and call.path == f"{system}/Actions/ComputerSystem.Reset":
            return await self._reset(call)
        if call.verb == "POST" and call.path == f"{manager}/Actions/Manager.Reset":
            self.sessions.end_all()
            self._answers_again = self._now() + self.traits.reset_seconds
            return done()
        if call.verb == "PATCH" and self.tasks.pending and self.traits.job_refusal:
            return refused(
                400, self.traits.job_refusal, "A job is scheduled already; nothing can be changed until it is done."
            )
        if call.verb == "PATCH" and call.path == resources.boot_path(self.traits):
            return await self._set_boot(call, view.etag)
        for service in self._services:
            answer = await service.write(call)
            if answer is not None:
                return answer
        if call.path in self._bodies(view):
            return refused(405, "OperationNotAllowed", f"{call.verb} is not allowed on {call.path}.")
        return not_found(call.path)

    async def _read(self, call: Call, view: View) -> web.StreamResponse:
        if call.path == STREAM:
            return await self.events.stream(call.request)
        monitored = self.tasks.monitor(call.path)
        if monitored is not None:
            return monitored
        body = self._bodies(view).get(call.path)
        return not_found(call.path) if body is None else resource_reply(200, body)

    def _bodies(self, view: View) -> dict[str, Body]:
        bodies = resources.tree(view, self.sessions.listed()) | parts(view) | self.accounts.bodies()
        for service in self._services:
            bodies |= service.bodies()
        return bodies

    async def _login(self, call: Call) -> web.Response:
        body = await call.body()
        user, password = body.get("UserName"), body.get("Password")
        if not (isinstance(user, str) and isinstance(password, str) and self._knows(user, password)):
            status = self.traits.login_refusal
            return refused(status, "UnauthorizedLoginAttempt", "The user name or password is wrong.")
        try:
            session = self.sessions.open(user)
        except SessionLimit:
            return refused(503, "SessionLimitExceeded", "The session limit is reached.")
        location = f"{resources.SESSIONS}/{session.id}"
        headers = {"X-Auth-Token": session.token, "Location": location}
        return resource_reply(201, resources.session_body(session), headers)

    async def _set_boot(self, call: Call, etag: str | None) -> web.Response:
        expected = call.request.headers.get("If-Match")
        if expected is None and self.traits.if_match:
            return refused(428, "PreconditionRequired", "If-Match is required.")
        strong = etag.removeprefix("W/") if etag is not None else None
        if expected is not None and expected not in ("*", strong):
            return refused(412, "PreconditionFailed", "The ETag does not match.")
        if self.chassis.in_post and self.traits.post_refusal:
            return refused(400, self.traits.post_refusal, "Nothing can be changed while the system is in POST.")
        wanted = (await call.body()).get("Boot")
        if not isinstance(wanted, dict):
            return refused(400, "PropertyMissing", "Boot is missing.")
        now = self.chassis.override
        enabled = wanted.get("BootSourceOverrideEnabled", now.enabled)
        target = wanted.get("BootSourceOverrideTarget", now.target)
        mode = wanted.get("BootSourceOverrideMode", "Legacy" if self.traits.mode_falls_back else now.mode)
        if enabled not in ("Disabled", "Once", "Continuous") or target not in self.traits.boot_targets:
            return refused(400, "PropertyValueNotInList", f"{enabled!s:.40} {target!s:.40} is not in the list.")
        if mode not in ("UEFI", "Legacy"):
            return refused(400, "PropertyValueNotInList", f"{mode!s:.40} is not in the list.")
        if not self.faults.ignore_boot:
            self.chassis.set_override(Override(str(enabled), str(target), str(mode)))
        return done()

    async def _reset(self, call: Call) -> web.Response:
        kind = (await call.body()).get("ResetType")
        if kind not in self.traits.reset_types:
            return refused(400, "ActionParameterNotSupported", f"ResetType {kind!s:.40} is not supported.")
        if not self.faults.ignore_power:
            self.chassis.reset(str(kind))
        return done()

    def _view(self) -> View:
        tag = f'{"W/" if self.traits.weak else ""}"{self.chassis.version}"'
        return View(
            traits=self.traits,
            serial=self.faults.serial or self.machine.serial,
            uuid=self.faults.uuid or self.machine.uuid,
            macs=self.machine.macs,
            power=self.chassis.power_state,
            post=self.chassis.in_post,
            override=self.chassis.override,
            etag=tag if self.traits.etags else None,
            pulled=self.faults.pulled,
            slowed=self.faults.slowed,
        )

    def _booting(self) -> None:
        self.bios.booted()
        self.tasks.booted()

    def _inserted(self) -> bool:
        return self.media.image is not None

    def _powered(self, state: str) -> None:
        origin = resources.system_path(self.traits)
        self.events.publish("ResourceEvent.1.3.PowerStateChanged", f"The power is {state}.", origin)

    def _task_changed(self, task: LabTask) -> None:
        origin = f"{ROOT}/TaskService/Tasks/{task.id}"
        self.events.publish(f"TaskEvent.1.0.Task{task.state}", f"{task.name}: {task.state}.", origin)
