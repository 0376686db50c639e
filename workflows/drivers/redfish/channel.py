"""Authenticated requests of one claim: by credential before the login, by the session's token after it, then never again.

Theory of operation. Reads before ``login`` carry the credential (basic authentication). ``login`` trades it for a session,
and from then on every request carries that session's token and nothing else. Whoever owns the node next ends the
session by its URI; the next request here is answered with 401, and that is final: it raises Fenced, forgets the token, and
never falls back to the credential.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import FormData
from yarl import URL

from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential
from workflows.drivers.redfish.answers import failure, is_wrong_password, messages
from workflows.drivers.redfish.body import Body
from workflows.drivers.redfish.wire import Answer, Wire
from workflows.model.errors import BringupError, Fenced, Refused, Unreachable, Unsupported

_UNAUTHORIZED = frozenset({401})


class Channel:
    """One claim's authority on one BMC. ``timeout`` is in seconds, of an act that ``deadline`` bounds."""

    def __init__(self, wire: Wire, credential: Credential, breaker: Breaker, timeout: float):
        self.name, self.address = wire.name, wire.address.url
        self._wire, self._credential, self._breaker, self._timeout = wire, credential, breaker, timeout
        self._fenced = False
        self._token: str | None = None
        self.session: str | None = None

    async def login(self, path: str) -> str:
        """Open a session at the collection ``path``; its URI.

        Raises:
            AuthenticationFailed: the credential was refused; the breaker is open now.
            Busy: the BMC's session limit is reached.
        """
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
            raise failure(self.name, "POST", path, answer.status, answer.body)
        uri = answer.location or answer.body.get("@odata.id")
        if answer.token is None or not isinstance(uri, str):
            raise Refused(f"{self.name} opened a session without a token or a URI: its firmware is broken")
        self._token, self.session = answer.token, _path(uri)
        return self.session

    async def send(
        self,
        verb: str,
        path: str,
        *,
        body: Body | None = None,
        if_match: str | None = None,
        accept: frozenset[int] = frozenset(),
        form: FormData | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send one request with this claim's authority. Raises Fenced once its session has ended, and see ``Wire.send``."""
        if self._fenced:
            raise self._fence_error()
        headers = {"If-Match": if_match} if if_match is not None else {}
        if self._token is not None:
            answer = await self._wire.send(
                verb,
                path,
                headers=headers | {"X-Auth-Token": self._token},
                body=body,
                accept=accept | _UNAUTHORIZED,
                form=form,
                seconds=seconds,
            )
            if answer.status == 401:
                self._fenced, self._token = True, None
                raise self._fence_error()
            return answer
        self._breaker.check(self._credential.username, self._credential.password)
        answer = await self._wire.send(
            verb,
            path,
            headers=headers | {"Authorization": self._basic()},
            body=body,
            accept=accept | _UNAUTHORIZED,
            form=form,
            seconds=seconds,
        )
        if answer.status == 401:
            raise self._breaker.refused(self._credential.username, self._credential.password)
        return answer

    async def get(self, path: str) -> Body:
        """The body of a resource."""
        return (await self.send("GET", path)).body

    async def find(self, path: str | None) -> Body:
        """The body of a resource; empty where there is no path, or nothing at it."""
        if path is None:
            return {}
        try:
            return await self.get(path)
        except Unsupported:
            return {}

    async def open_get(self, path: str) -> Body:
        """The body of a resource that everybody may read: the service root. No credential is sent to whoever answers.

        Only where a Redfish service itself says that it wants one, against the standard, it is given.
        """
        answer = await self._wire.send("GET", path, headers={}, accept=_UNAUTHORIZED)
        if answer.status != 401:
            return answer.body
        if not messages(answer.body)[0]:
            raise Unsupported(f"{self.name} wants a password before it says what it is: none was sent")
        return await self.get(path)

    def forget_session(self) -> None:
        """The session was ended on the BMC."""
        self._token = self.session = None

    async def close(self) -> None:
        """End the session and release the connection. Never raises."""
        try:
            if self._token is not None and self.session is not None:
                async with self.deadline("end the session"):
                    await self.send("DELETE", self.session)
        except BringupError:
            pass  # the session ends by itself when it idles, or a successor ends it by name
        finally:
            self.forget_session()
            await self._wire.close()

    @asynccontextmanager
    async def deadline(self, act: str, seconds: float | None = None) -> AsyncIterator[None]:
        """Bound an act of several requests as a whole: by the channel's time-out where no other is said."""
        patience = seconds or self._timeout
        try:
            async with asyncio.timeout(patience):
                yield
        except TimeoutError:
            raise Unreachable(f"{self.name}: could not {act} within {patience:g} s") from None

    def _basic(self) -> str:
        pair = f"{self._credential.username}:{self._credential.password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _fence_error(self) -> Fenced:
        return Fenced(f"the session on {self.name} was ended: by a newer owner of the node, idleness or a restart")


def _path(uri: str) -> str:
    """The path of a session's URI; some BMCs give it with scheme and host."""
    return URL(uri).path
