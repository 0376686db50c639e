"""How a simulated machine speaks HTTP: from its own loopback address, each request counted, answers bounded."""

import ssl
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from lab.rack.counts import Counts
from workflows.model.errors import Refused, Transient, Unreachable

_MAX_ANSWER = 64 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class Wire:
    """One boot's connections; an asynchronous context manager. ``authority`` is the PEM that HTTPS is checked with."""

    def __init__(self, address: str, counts: Counts):
        self._counts = counts
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=(address, 0)), timeout=_TIMEOUT, auto_decompress=False
        )
        self._tls: ssl.SSLContext | bool = True

    def trust(self, authority: bytes) -> None:
        """Accept this CA, and none else, from now on."""
        self._tls = ssl.create_default_context(cadata=authority.decode())

    async def get(self, url: str, *, first: int | None = None, last: int | None = None) -> bytes:
        """The body; a range of it where one is named.

        Raises:
            Unreachable: no answer, another status than 200 (206 for a range), or a body of another length.
        """
        headers = {} if first is None else {"Range": f"bytes={first}-{last}"}
        status, body = await self._ask("GET", url, headers=headers)
        if status != (200 if first is None else 206):
            raise Unreachable(f"GET {url}: {status} {body[:200].decode(errors='replace')}")
        if first is not None and last is not None and len(body) != last - first + 1:
            raise Unreachable(f"GET {url}: {len(body)} bytes instead of {first} to {last}")
        return body

    async def post(self, url: str, body: dict[str, Any]) -> bytes:
        """Send JSON; the answer's body.

        Raises:
            Transient: no answer, or the server asks to be asked again.
            Refused: the server says no; the message is its sentence.
        """
        status, answer = await self._ask("POST", url, json=body)
        if status >= 500:
            raise Transient(f"POST {url}: {status} {answer[:200].decode(errors='replace')}")
        if status >= 400:
            raise Refused(answer[:1000].decode(errors="replace"))
        return answer

    async def _ask(self, method: str, url: str, **more: Any) -> tuple[int, bytes]:
        self._counts.http[f"{method} {URL(url).path}"] += 1
        try:
            async with self._session.request(method, URL(url), ssl=self._tls, **more) as answer:
                body = b""
                async for part in answer.content.iter_any():
                    body += part
                    if len(body) > _MAX_ANSWER:
                        raise Unreachable(f"{method} {url}: the answer is longer than {_MAX_ANSWER} bytes")
                return answer.status, body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{method} {url}: {error or type(error).__name__}") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
