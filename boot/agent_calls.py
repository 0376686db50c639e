"""The calls of the RAM-disk agent and of the installed system: hello, progress, report, phone-home. HTTPS only."""

import logging
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from jinja2 import Environment
from pydantic import Field

from boot import artifacts
from boot.answers import Denied, read_body
from boot.claims import note_refusal, progressing, report, take
from boot.events import tell
from boot.seed import Seed, render_seed
from boot.served_log import record_home
from boot.settings import BootSettings
from boot.token import Claim, Purpose, Tokens
from workflows.engine.ports import Bus, Store
from workflows.model.errors import Refused
from workflows.model.grant import Grant, GrantState, Machine, Report, grant_name
from workflows.model.profile import Image
from workflows.model.record import Record
from workflows.model.run import Run
from workflows.model.served import Home

_log = logging.getLogger(__name__)
#: Bytes that the agent asks for at once: small enough for its memory, large enough for few requests.
CHUNK = 16 << 20


class Hello(Record):
    """A booted agent: its token and who it is. ``machine.address`` is set here, whatever it says."""

    token: str = Field(max_length=300)
    machine: Machine


class Go(Record):
    """Permission to write this disk, once. Sent only after ``taken`` was acknowledged by the store."""

    grant: str
    disk: str
    image: Image
    image_url: str
    chunk: int
    seed: Seed


class Progress(Record):
    """How far the agent is, in bytes of the compressed image."""

    token: str = Field(max_length=300)
    nonce: str = Field(max_length=100)
    done: int = Field(ge=0)
    total: int = Field(ge=0)


class AgentReport(Record):
    """The end of the agent's work."""

    token: str = Field(max_length=300)
    nonce: str = Field(max_length=100)
    report: Report


class PhoneHome(Record):
    """An installed system that is up."""

    token: str = Field(max_length=300)
    boot_id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    host_key: str = Field(max_length=2000)
    root_uuid: str = Field(max_length=100)


@dataclass(frozen=True, slots=True)
class AgentCalls:
    """The handlers. Each publishes an event and wakes the node, whatever came of it."""

    store: Store
    bus: Bus
    settings: BootSettings
    tokens: Tokens
    templates: Environment

    def routes(self) -> list[web.RouteDef]:
        """Where they are found."""
        return [
            web.post("/v1/agent/hello", self.hello),
            web.post("/v1/agent/progress", self.progress),
            web.post("/v1/agent/report", self.report),
            web.post("/v1/phone-home", self.phone_home),
        ]

    async def hello(self, request: web.Request) -> web.Response:
        """A machine asks for its grant; the answer is ``Go`` or a refusal."""
        body = await read_body(request, Hello)
        claim = self.tokens.check(Purpose.AGENT, body.token)
        machine = body.machine.model_copy(update={"address": request.remote or ""})
        try:
            go = await self._prepare(claim)
            grant = await take(self.store, claim, machine)
        except Denied as error:
            await self._refused(claim, machine, error)
            raise
        assert grant.disk is not None
        await tell(self.bus, claim, "taken", address=machine.address, disk=grant.disk.id)
        return _json(go.model_copy(update={"disk": grant.disk.id}))

    async def progress(self, request: web.Request) -> web.Response:
        """How far it is; for people who watch."""
        body = await read_body(request, Progress)
        claim = self.tokens.check(Purpose.AGENT, body.token)
        await progressing(self.store, claim, body.nonce)
        await tell(self.bus, claim, "progress", done=body.done, total=body.total)
        return web.json_response({})

    async def report(self, request: web.Request) -> web.Response:
        """The machine is done, or failed; ends the grant."""
        body = await read_body(request, AgentReport)
        claim = self.tokens.check(Purpose.AGENT, body.token)
        try:
            grant = await report(self.store, claim, body.nonce, body.report)
        except Denied as error:
            await tell(self.bus, claim, error.event, address=request.remote or "", message=str(error))
            raise
        assert grant.report is not None
        await tell(self.bus, claim, "reported", ok=grant.report.ok, message=grant.report.message)
        return web.json_response({})

    async def phone_home(self, request: web.Request) -> web.Response:
        """The installed system is up. Believed only with the host key that this grant's agent reported."""
        body = await read_body(request, PhoneHome)
        claim = self.tokens.check(Purpose.HOME, body.token)
        value = await self.store.get(claim.grant_key)
        grant = Grant.decode(value.data) if value.data is not None else None
        if grant is None or grant.state is not GrantState.REPORTED or grant.report is None:
            raise Denied(HTTPStatus.CONFLICT, "", "this node's installation was never reported")
        if body.host_key.split()[:2] != grant.report.host_key.split()[:2]:
            error = Denied(HTTPStatus.FORBIDDEN, "wrong-host-key", "this host key is not the one made for the grant")
            await tell(self.bus, claim, error.event, address=request.remote or "", message=str(error))
            raise error
        home = Home(
            cause=claim.cause,
            attempt=claim.attempt,
            host_key=body.host_key,
            boot_id=body.boot_id,
            root_uuid=body.root_uuid,
            address=request.remote or "",
            at=await self.store.now(),
        )
        await record_home(self.store, claim.node, home)
        await tell(self.bus, claim, "home", address=home.address, boot_id=home.boot_id)
        return web.json_response({})

    async def _prepare(self, claim: Claim) -> Go:
        """All that a go needs, made before the grant is spent: a missing image or template must not cost it."""
        value = await self.store.get(f"run.{claim.node}.{claim.cause}")
        if value.data is None:
            raise Denied(HTTPStatus.FORBIDDEN, "no-run", "there is no live run for this grant; boot the local disk")
        desired = Run.decode(value.data).desired
        if desired.profile is None:
            raise Denied(HTTPStatus.FORBIDDEN, "no-profile", "the run names no image; set a profile and start it again")
        image = desired.profile.release.image
        self._check_artifact(image)
        home_token = self.tokens.issue(Purpose.HOME, claim)
        try:
            seed = render_seed(desired, claim, home_token, self.settings, self.templates)
        except Refused as error:
            raise Denied(HTTPStatus.FORBIDDEN, "no-seed", str(error)) from None
        return Go(
            grant=grant_name(claim.node, claim.cause, claim.attempt),
            disk="",
            image=image,
            image_url=f"{self.settings.http_url}/artifacts/{image.sha256}",
            chunk=CHUNK,
            seed=seed,
        )

    def _check_artifact(self, image: Image) -> None:
        """Not its hash, which takes seconds a GiB and is the agent's to check; but what was cut short costs no disk."""
        what = f"image {image.name} ({image.sha256[:12]})"
        try:
            size = artifacts.find(self.settings.artifacts, image.sha256).stat().st_size
        except (Denied, OSError):
            wrong = f"{what} is not among the artifacts"
        else:
            if size == image.size:
                return
            wrong = f"{what} has {size} bytes among the artifacts, its release says {image.size}"
        raise Denied(HTTPStatus.SERVICE_UNAVAILABLE, "no-image", f"{wrong}; publish it, the machine asks again")

    async def _refused(self, claim: Claim, machine: Machine, error: Denied) -> None:
        _log.warning("hello refused node=%s cause=%s from=%s: %s", claim.node, claim.cause, machine.address, error)
        await note_refusal(self.store, claim, machine.address, error)
        if error.event:
            await tell(
                self.bus,
                claim,
                error.event,
                message=str(error),
                address=machine.address,
                serial=machine.serial,
                disks=[disk.model_dump(mode="json") for disk in machine.disks[:64]],
            )


def _json(record: Record) -> web.Response:
    return web.Response(text=record.model_dump_json(), content_type="application/json")
