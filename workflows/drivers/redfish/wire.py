"""One BMC's HTTP: bounded in size and time, one connection a request, errors said in bringup's words.

Theory of operation. DMTF's ``redfish.aio`` client does the requests and refuses targets of another origin and redirects.
It is never given the password or the token: with them it would log in again by itself when a GET is answered with 401,
and a worker that lost its node would be back in business. So the headers of authentication are set here, request by
request, and a 401 is what the design wants it to be: the end.

aiohttp repeats a GET or DELETE by itself when the connection ends without an answer; ``_no_second_try`` prevents that. Each
request has a connection of its own, because HPE's BMCs reset reused ones.
"""

from dataclasses import dataclass

import aiohttp
from redfish.aio import (
    AsyncRedfishClient,
    AsyncRestResponse,
    RedfishConnectionError,
    RedfishInvalidTargetError,
    RedfishProtocolError,
    RedfishTimeoutError,
)

from workflows.drivers.address import BmcAddress
from workflows.drivers.redfish.answers import failure
from workflows.drivers.redfish.tls import Tls, shown_fingerprint
from workflows.model.errors import BringupError, Refused, Unreachable, Unsupported
from workflows.model.record import Json

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of one answer that are read; an event log of 4,096 entries has about 4 MB, the largest System recorded 12 kB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a BMC answered. ``body`` is empty where it sent none."""

    status: int
    body: dict[str, Json]
    etag: str | None
    token: str | None
    location: str | None


class Wire:
    """Requests to one BMC. ``timeout`` is in seconds and holds for each request as a whole."""

    def __init__(self, name: str, address: BmcAddress, tls: Tls, timeout: float):
        self.name, self.address = name, address
        self._tls, self._timeout = tls, timeout
        self._http: aiohttp.ClientSession | None = None

    async def send(
        self,
        verb: str,
        path: str,
        *,
        headers: dict[str, str],
        body: dict[str, Json] | None = None,
        accept: frozenset[int] = frozenset(),
        form: aiohttp.FormData | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send one request, of JSON or of a form. Statuses in ``accept`` are returned like a success.

        ``seconds``: another time-out than the wire's, for what is large.

        Raises:
            Unreachable: no connection, or no complete answer within the time-out.
            Busy, Unsupported, Refused: by status and message, see ``answers.failure``; 401 is always to be accepted.
        """
        response = await self._exchange(verb, path, headers, body if form is None else form, seconds)
        if 300 <= response.status < 400:
            raise Refused(
                f"{self.name} redirects {path} to {(_header(response, 'Location') or 'nowhere')[:200]}: redirects are not "
                "followed, a credential goes to no other place; if that is the BMC, write that address"
            )
        if not (200 <= response.status < 300) and response.status not in accept:
            raise failure(self.name, verb, path, response.status, self._parse(path, response, strict=False))
        return Answer(
            status=response.status,
            body=self._parse(path, response, strict=200 <= response.status < 300),
            etag=_header(response, "ETag"),
            token=_header(response, "X-Auth-Token"),
            location=_header(response, "Location"),
        )

    async def close(self) -> None:
        """Release the connection."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _exchange(
        self,
        verb: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, Json] | aiohttp.FormData | None,
        seconds: float | None,
    ) -> AsyncRestResponse:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, force_close=True),
                response_class=_BoundedResponse,
                middlewares=(_no_second_try,),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},
            )
        timeout = seconds or self._timeout
        client = AsyncRedfishClient(self.address.url, session=self._http, timeout=timeout)
        call = {"GET": client.get, "POST": client.post, "PATCH": client.patch, "DELETE": client.delete}[verb]
        arguments = {} if body is None else {"body": body}
        try:
            return await call(path, headers=headers, **arguments)
        except RedfishTimeoutError:
            raise Unreachable(f"{self.name} did not answer {verb} {path} within {timeout:g} s") from None
        except RedfishConnectionError as error:
            raise await self._lost(verb, path, error.__cause__) from None
        except RedfishInvalidTargetError:
            raise Refused(f"{self.name} names a resource on another host ({path[:200]!r}): not followed") from None

    async def _lost(self, verb: str, path: str, cause: BaseException | None) -> BringupError:
        if isinstance(cause, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch):
            shown = await shown_fingerprint(self.address)
            return Refused(
                f"{self.name} shows a certificate that is not trusted{f' (SHA-256 {shown})' if shown else ''}: compare it "
                f"with the BMC's own, then approve it (bringup bmc trust {self.address.place}), or give its authority "
                "as ca; no credential was sent"
            )
        if isinstance(cause, aiohttp.ClientConnectorSSLError) and "VERSION" in str(cause).upper():
            return Refused(
                f"{self.name} speaks no TLS there: if it knows plain HTTP only and its network is trusted, write its "
                "address with http:// and permit that (insecure)"
            )
        if isinstance(cause, AnswerTooLong):
            return Refused(f"{self.name} answered {verb} {path} with more than {MAX_ANSWER} bytes: this is no BMC")
        if isinstance(cause, aiohttp.ClientResponseError):
            return Refused(f"{self.name} answers something that is no HTTP: is the port right, and is this a BMC?")
        if isinstance(cause, aiohttp.ClientConnectorDNSError):
            return Unreachable(
                f"{self.name}: that name is not known to DNS; correct the address, or try its IP address"
            )
        return Unreachable(f"{self.name} did not answer {verb} {path}: {str(cause)[:200] or type(cause).__name__}")

    def _parse(self, path: str, response: AsyncRestResponse, *, strict: bool) -> dict[str, Json]:
        try:
            body = response.dict
        except (RedfishProtocolError, RecursionError):
            body = None
        if isinstance(body, dict):
            return body
        if strict:
            raise Unsupported(f"{self.name} answered {path} with something that is no JSON object")
        return {}


class ConnectionLost(aiohttp.ClientConnectionError):
    """The connection ended without an answer: whether the BMC acted is not known."""


async def _no_second_try(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLost(str(error)) from error


class AnswerTooLong(aiohttp.ClientPayloadError):
    """More bytes than are read."""


class _BoundedResponse(aiohttp.ClientResponse):
    """Reads no more than MAX_ANSWER bytes; Redfish is UTF-8 (DSP0266, 6.5), whatever the header says."""

    async def read(self) -> bytes:
        parts, size = [], 0
        async for part in self.content.iter_any():
            size += len(part)
            if size > MAX_ANSWER:
                self.close()
                raise AnswerTooLong
            parts.append(part)
        return b"".join(parts)

    def get_encoding(self) -> str:
        return "utf-8"


def _header(response: AsyncRestResponse, name: str) -> str | None:
    value = response.getheader(name)
    return value if isinstance(value, str) and 0 < len(value) <= 4096 else None
