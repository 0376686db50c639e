"""NetBox's REST API through pynetbox, as plain JSON: bounded in time and pages, one error for each thing that happens.

pynetbox's records fetch more of themselves when a missing attribute is touched: a request that nobody sees. Its own
``Request`` is used instead, which gives the body as it came. Calls block, so each runs in a thread; at most
``at_once`` run at the same time, so that we never become NetBox's load. Nothing here tries again by itself.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import requests
from pynetbox.core.query import AllocationError, ContentError, Request, RequestError
from requests.adapters import HTTPAdapter

from workflows.model.errors import BadInput, Conflict, Refused, Unreachable

# What NetBox answered: untyped until a reader has parsed it.
type Row = dict[str, Any]
type Filter = str | int | Sequence[str] | Sequence[int]

PAGE = 500


class _Bounded(HTTPAdapter):
    """Gives every request the same deadline, in seconds; pynetbox has no place to set one."""

    def __init__(self, timeout: float, connections: int) -> None:
        super().__init__(pool_maxsize=connections, max_retries=0)
        self._timeout = timeout

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **(options | {"timeout": self._timeout}))


@dataclass(frozen=True, slots=True)
class _Matching:
    """The session, for a PATCH that carries ``If-Match``, which pynetbox has no way to send."""

    session: requests.Session
    tag: str

    def patch(self, url: str, *, headers: dict[str, str], **options: Any) -> requests.Response:
        return self.session.patch(url, headers=headers | {"If-Match": self.tag}, **options)


def etag(row: Row) -> str:
    """The ETag of an object as it was read: NetBox makes it of ``last_updated`` in UTC (4.7, netbox/api/viewsets)."""
    return f'W/"{datetime.fromisoformat(row["last_updated"]).astimezone(UTC).isoformat()}"'


@dataclass(frozen=True, slots=True)
class NetBoxApi:
    """One NetBox. ``url`` without ``/api``; ``ca`` is a PEM file where its certificate is signed by the site."""

    url: str
    token: str = field(repr=False)
    timeout: float = 30.0
    at_once: int = 4
    ca: str | None = None
    _session: requests.Session = field(init=False, repr=False)
    _gate: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        session = requests.Session()
        session.trust_env = False
        session.verify = self.ca or True
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Bounded(self.timeout, self.at_once))
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_gate", asyncio.Semaphore(self.at_once))

    async def rows(self, path: str, **filters: Filter) -> list[Row]:
        """All rows of a list such as ``dcim/devices``, page by page. NetBox ignores a filter that it doesn't know.

        Raises:
            Unreachable: no answer in time, or a 5xx.
            Refused: NetBox refused the request; the message is its own.
        """
        return await self._call(lambda: list(self._request(path, filters | {"limit": PAGE}).get()))

    async def page(self, path: str, limit: int, **filters: Filter) -> list[Row]:
        """The first ``limit`` rows of a list. Raises as ``rows`` does."""
        return await self._call(lambda: list(self._request(path, filters, limit=limit).get()))

    async def get(self, path: str, pk: int) -> Row | None:
        """One object, None where there is none. Raises as ``rows`` does."""
        rows = await self.rows(path, id=pk)
        return rows[0] if rows else None

    async def create(self, path: str, body: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
        """Create an object, or several at once; returns what NetBox made of it. Raises as ``rows`` does."""
        return await self._call(lambda: self._request(path, {}).post(body))

    async def update(self, path: str, pk: int, body: Mapping[str, Any], *, seen: Row | None = None) -> Row:
        """PATCH an object. Raises as ``rows`` does.

        With ``seen``, the object as it was read, only if nobody changed it since: NetBox saves an object whole, so that a
        PATCH which overlaps with a person's would silently take the person's change back (seen on 4.7.3).

        Raises:
            Conflict: somebody did: read it again.
        """
        session = _Matching(self._session, etag(seen)) if seen is not None else self._session
        return cast(Row, await self._call(lambda: self._request(f"{path}/{pk}", {}, session=session).patch(body)))

    async def delete(self, path: str, pk: int) -> None:
        """Delete an object. Raises as ``rows`` does."""
        await self._call(lambda: self._request(f"{path}/{pk}", {}).delete())

    def close(self) -> None:
        """Release the connections."""
        self._session.close()

    def _request(
        self,
        path: str,
        filters: Mapping[str, Filter],
        limit: int | None = None,
        session: "requests.Session | _Matching | None" = None,
    ) -> Any:
        offset = None if limit is None else 0
        url = f"{self.url.rstrip('/')}/api/{path}/"
        return Request(url, session or self._session, dict(filters), token=self.token, limit=limit, offset=offset)

    async def _call[T](self, call: Callable[[], T]) -> T:
        async with self._gate:
            try:
                return await asyncio.to_thread(call)
            except (RequestError, AllocationError) as error:
                raise _refusal(self.url, error) from None
            except ContentError:
                raise Unreachable(f"NetBox at {self.url} answered something that isn't JSON; is it NetBox?") from None
            except requests.exceptions.RequestException as error:
                raise Unreachable(f"NetBox at {self.url} gave no answer: {type(error).__name__}") from None


def _refusal(url: str, error: RequestError | AllocationError) -> Exception:
    status = error.req.status_code
    said = str(error.req.text)[:500]
    if status >= 500 or status == 429:
        return Unreachable(f"NetBox at {url} answered {status}; look at its log")
    if status in (401, 403):
        return Refused(
            f"NetBox refused our token ({status}) for {error.base}: {said}; see `bringup netbox init --print`"
        )
    if status == 412:
        return Conflict(f"somebody changed {error.base} in NetBox at the same moment")
    if status == 400:
        return BadInput(f"NetBox refused {error.base}: {said}")
    return Refused(f"NetBox answered {status} for {error.base}: {said}")
