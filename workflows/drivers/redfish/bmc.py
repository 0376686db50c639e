"""One machine's BMC over Redfish, during one claim.

Theory of operation. Reads before ``open`` carry the credential (basic authentication). ``open`` trades it for a session,
and from then on every request carries that session's token and nothing else. Whoever owns the node next ends the
session by its URI; the next request of this object is answered with 401, and that is final: it raises Fenced, forgets
the token, and never falls back to the credential. Where the BMC knows no sessions, ``open`` returns None and writes carry
the credential: the engine's time rule fences them.

Few requests, because BMCs are slow: the System's path, its settings object, its Reset values and its MACs are found once
in a claim. Then a power change is a read and a POST, a boot change a read (for the ETag) and a PATCH, and ``facts`` one
read, two where there is a settings object. Serial, UUID, power and override are read anew each time.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from yarl import URL

from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential
from workflows.drivers.redfish import system as reading
from workflows.drivers.redfish.answers import failure, is_wrong_password
from workflows.drivers.redfish.system import RESET, Body
from workflows.drivers.redfish.wire import Answer, Wire
from workflows.engine.ports import BmcFacts, BootTarget, Power
from workflows.model.errors import BringupError, Fenced, Refused, Unreachable, Unsupported

ROOT = "/redfish/v1"
MANAGER_RESET = "#Manager.Reset"
_BMC_RESETS = ("GracefulRestart", "ForceRestart")
_UNAUTHORIZED = frozenset({401})


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are on this BMC: found once, by reads alone."""

    system: str
    settings: str | None
    resets: list[str]
    macs: tuple[str, ...] | None = None


class RedfishBmc:
    """Implements ``Bmc``. A write takes at most ``timeout`` seconds as a whole, a read that long a request."""

    def __init__(self, wire: Wire, credential: Credential, breaker: Breaker, timeout: float):
        self._wire, self._credential, self._breaker, self._timeout = wire, credential, breaker, timeout
        self._opened = self._fenced = False
        self._token: str | None = None
        self._uri: str | None = None
        self._layout: _Layout | None = None

    async def open(self) -> str | None:
        """Open this claim's session; None where the BMC's root names no place for sessions.

        Raises:
            AuthenticationFailed: the credential was refused; the breaker is open now.
            Busy: the BMC's session limit is reached.
        """
        async with self._deadline("open a session"):
            links = (await self._wire.send("GET", ROOT, headers={})).body.get("Links")
            path = reading.link(links.get("Sessions")) if isinstance(links, dict) else None
            if path is None:
                self._opened = True
                return None
            answer = await self._login(path)
        uri = answer.location or answer.body.get("@odata.id")
        if answer.token is None or not isinstance(uri, str):
            raise Refused(f"{self._wire.name} opened a session without a token or a URI: its firmware is broken")
        self._token, self._uri, self._opened = answer.token, URL(uri).path, True
        return self._uri

    async def end_session(self, uri: str) -> None:
        """End an earlier claim's session; one that is gone is no error. Raises Unsupported where DELETE is not known."""
        if "/Sessions/" not in uri:
            raise Refused(f"{uri[:200]!r} is no session of {self._wire.name}")
        async with self._deadline("end a session"):
            answer = await self._send("DELETE", uri, accept=frozenset({404}))
        if uri == self._uri and answer.status != 404:
            self._token = self._uri = None

    async def facts(self) -> BmcFacts:
        """Read identity, power and boot override."""
        layout, system = await self._system()
        if layout.macs is None:
            layout = self._layout = replace(layout, macs=await self._macs(system))
        boot = reading.boot_of(system)
        if layout.settings is not None:
            pending = (await self._send("GET", layout.settings)).body
            boot = BootTarget.NETWORK_ONCE if reading.boot_of(pending) is BootTarget.NETWORK_ONCE else boot
        return BmcFacts(
            serial=reading.serial_of(system),
            uuid=reading.uuid_of(system),
            vendor=str(system.get("Manufacturer") or "")[:200],
            model=str(system.get("Model") or "")[:200],
            power=reading.power_of(system),
            boot=boot,
            macs=layout.macs or (),
            system=layout.system,
        )

    async def power(self, wanted: Power) -> None:
        """Power on or off (hard). Sends nothing where the machine is in that state or on its way there."""
        self._may_write()
        async with self._deadline(f"power {wanted}"):
            layout, system = await self._system()
            if reading.heading_to(system, wanted):
                return
            kind = reading.reset_type(self._wire.name, wanted, layout.resets)
            target = reading.reset_target(self._wire.name, system, RESET)
            await self._send("POST", target, body={"ResetType": kind})

    async def boot(self, target: BootTarget) -> None:
        """Set the boot override, on the settings object where there is one, with If-Match where it has an ETag."""
        self._may_write()
        async with self._deadline(f"set boot to {target}"):
            layout = self._layout or (await self._system())[0]
            path = layout.settings or layout.system
            answer = await self._send("GET", path)
            etag = answer.etag or answer.body.get("@odata.etag")
            patch = reading.boot_patch(self._wire.name, target, answer.body)
            await self._send("PATCH", path, body=patch, if_match=etag if isinstance(etag, str) else None)

    async def reset_bmc(self) -> None:
        """Restart the BMC; this claim's session ends with it."""
        self._may_write()
        async with self._deadline("restart the BMC"):
            _, system = await self._system()
            path = reading.manager_path(system)
            if path is None:
                raise Unsupported(f"{self._wire.name} does not say which manager its System has")
            manager = (await self._send("GET", path)).body
            info = reading.action_info(manager, MANAGER_RESET)
            described = (await self._send("GET", info)).body if info else {}
            offered = reading.reset_values(manager, MANAGER_RESET, described)
            kinds = [k for k in _BMC_RESETS if not offered or k in offered]
            if not kinds:
                raise Unsupported(f"{self._wire.name} offers no restart of itself, only {', '.join(offered)[:200]}")
            target = reading.reset_target(self._wire.name, manager, MANAGER_RESET)
            await self._send("POST", target, body={"ResetType": kinds[0]})

    async def close(self) -> None:
        """End this claim's session and release the connection. Never raises."""
        try:
            if self._token is not None and self._uri is not None:
                async with self._deadline("end the session"):
                    await self._send("DELETE", self._uri)
        except BringupError:
            pass  # the session ends by itself when it idles, or a successor ends it by name
        finally:
            self._token = self._uri = None
            await self._wire.close()

    async def _login(self, path: str) -> Answer:
        self._breaker.check(self._credential.username, self._credential.password)
        answer = await self._wire.send(
            "POST",
            path,
            headers={},
            body={"UserName": self._credential.username, "Password": self._credential.password},
            accept=frozenset({400, 401, 403}),
        )
        if is_wrong_password(answer.status, answer.body):
            raise self._breaker.refused(self._credential.username, self._credential.password)
        if answer.status >= 400:
            raise failure(self._wire.name, "POST", path, answer.status, answer.body)
        return answer

    async def _send(
        self,
        verb: str,
        path: str,
        *,
        body: Body | None = None,
        if_match: str | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        if self._fenced:
            raise self._fence_error()
        headers = {"If-Match": if_match} if if_match is not None else {}
        if self._token is not None:
            answer = await self._wire.send(
                verb, path, headers=headers | {"X-Auth-Token": self._token}, body=body, accept=accept | _UNAUTHORIZED
            )
            if answer.status == 401:
                self._fenced, self._token = True, None
                raise self._fence_error()
            return answer
        self._breaker.check(self._credential.username, self._credential.password)
        answer = await self._wire.send(
            verb, path, headers=headers | {"Authorization": self._basic()}, body=body, accept=accept | _UNAUTHORIZED
        )
        if answer.status == 401:
            raise self._breaker.refused(self._credential.username, self._credential.password)
        return answer

    def _basic(self) -> str:
        pair = f"{self._credential.username}:{self._credential.password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _fence_error(self) -> Fenced:
        return Fenced(
            f"the session on {self._wire.name} was ended: by a newer owner of the node, idleness or a restart"
        )

    def _may_write(self) -> None:
        if not self._opened:
            raise Refused(f"a write to {self._wire.name} before open(): nothing was sent")

    async def _system(self) -> tuple[_Layout, Body]:
        """The System as it is now, and where things are."""
        if self._layout is not None:
            return self._layout, (await self._send("GET", self._layout.system)).body
        collection = (await self._send("GET", f"{ROOT}/Systems")).body
        paths = [p for p in reading.members(collection) if not reading.is_baseboard(p)]
        bodies = [(p, (await self._send("GET", p)).body) for p in paths]
        path, system = reading.choose_system(self._wire.name, bodies)
        info = reading.action_info(system, RESET)
        described = (await self._send("GET", info)).body if info else {}
        settings = reading.settings_path(system)
        if settings is not None and "Boot" not in (await self._send("GET", settings, accept=frozenset({404}))).body:
            settings = None
        self._layout = _Layout(path, settings, reading.reset_values(system, RESET, described))
        return self._layout, system

    async def _macs(self, system: Body) -> tuple[str, ...]:
        path = reading.interfaces_path(system)
        if path is None:
            return ()
        answer = await self._send("GET", path, accept=frozenset({404, 501}))
        found = [reading.mac_of((await self._send("GET", p)).body) for p in reading.members(answer.body)]
        return tuple(dict.fromkeys(mac for mac in found if mac is not None))

    @asynccontextmanager
    async def _deadline(self, act: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError:
            raise Unreachable(f"{self._wire.name}: could not {act} within {self._timeout:g} s") from None
