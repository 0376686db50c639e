"""The connection: requests with an answer, each ending within its time, and errors split by what the caller does next.

Theory of operation. Three things of the client library would let a caller wait in vain, so they are handled here, once:

- A publish that permissions forbid fails in the error callback only, never in the call. Requests in flight are known by
  subject, and the callback ends the one that it names with ``Refused``.
- While the server elects a leader, nobody listens and a request fails at once. That one was certainly not stored
  (``NotStored``): repeating it is safe. A time-out is not: the write may have happened (plain ``Unreachable``).
- Some errors of the server close the client for good. Every later call then says so instead of waiting; the process should
  end and be started again.
"""

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from workflows.jetstream.table import IMPORTED_API
from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json

log = logging.getLogger("bringup.jetstream")

ANSWER = timedelta(seconds=5)
OWN_API = "$JS.API"
"""JetStream's API where the account that we log in to has JetStream itself."""
_NOT_IN_THIS_ACCOUNT = 10039
_FORBIDDEN = re.compile(r'permissions violation for publish to "([^"]+)"', re.IGNORECASE)


class NotStored(Unreachable):
    """Nobody listened: the message was certainly not stored, so the same publish may be repeated."""


class Rejected(Refused):
    """JetStream answered with an error; ``code`` is its ``err_code`` (10071: wrong last sequence, and so on)."""

    def __init__(self, subject: str, code: int, text: str):
        super().__init__(f"JetStream refused {subject}: {text} ({code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Login:
    """Who connects. ``seed`` is an nkey's; without one ``password`` is used, without both none is shown."""

    who: str
    seed: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def inbox(self) -> str:
        """The prefix of this user's inboxes: nobody else may listen there."""
        return f"_INBOX.{self.who}"


class Wire:
    """One connection to the site's NATS; made by ``connect``."""

    def __init__(self, client: Client):
        self.client = client
        self.prefix = OWN_API
        self._asking: dict[str, set[asyncio.Future[Any]]] = {}

    @property
    def closed(self) -> bool:
        """Whether the client is closed for good."""
        return self.client.is_closed

    async def ask(
        self, subject: str, data: bytes = b"", *, headers: Mapping[str, str] | None = None, timeout: timedelta = ANSWER
    ) -> Msg:
        """Send a request and return its answer.

        Raises:
            Refused: this user may not publish there.
            NotStored: nobody listens there now.
            Unreachable: no answer in time, or the connection is closed for good.
        """
        request = self.client.request(
            subject, data, timeout=timeout.total_seconds(), headers=dict(headers or {}) or None
        )
        try:
            return await self._unless_forbidden(subject, request)
        except nats.errors.NoRespondersError:
            raise NotStored(f"nobody answers {subject} now; it was not stored") from None
        except nats.errors.TimeoutError:
            raise Unreachable(f"no answer to {subject} within {timeout.total_seconds():.0f} s") from None
        except nats.errors.Error as error:
            raise Unreachable(f"{subject}: {str(error)[:200]}{' (closed for good)' if self.closed else ''}") from None

    async def ask_for_all(
        self, subject: str, body: Mapping[str, Json], *, timeout: timedelta = ANSWER
    ) -> tuple[Sequence[Msg], Mapping[str, str]]:
        """Send a request that many messages answer; returns them and the headers of the status that ends them.

        Raises:
            Refused, Unreachable: as ``ask``.
        """
        try:
            inbox = self.client.new_inbox()
            listening = await self.client.subscribe(inbox)
            try:
                await self.client.publish(subject, json.dumps(body).encode(), reply=inbox)
                async with asyncio.timeout(timeout.total_seconds()):
                    return await self._unless_forbidden(subject, _until_status(listening))
            finally:
                if not self.closed:
                    await listening.unsubscribe()
        except (nats.errors.Error, TimeoutError) as error:
            raise Unreachable(f"{subject}: {str(error)[:200] or 'no answer'}") from None

    async def _unless_forbidden[T](self, subject: str, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns, or Refused as soon as the server says that this user may not publish there."""
        refusal: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        name = subject.lower()  # the library shows errors in lower case only
        self._asking.setdefault(name, set()).add(refusal)
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait((task, refusal), return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            task.cancel()
            refusal.cancel()
            self._asking[name].discard(refusal)
            if not self._asking[name]:
                del self._asking[name]

    async def api(
        self, call: str, body: Mapping[str, Json] | None = None, *, timeout: timedelta = ANSWER
    ) -> dict[str, Json]:
        """Call JetStream's API (``STREAM.INFO.KV_state``) and return what it says.

        Raises:
            Rejected: it answered with an error.
            Refused, Unreachable: as ``ask``.
        """
        subject = f"{self.prefix}.{call}"
        answer = await self.ask(subject, json.dumps(body).encode() if body is not None else b"", timeout=timeout)
        return _parsed(subject, answer)

    async def publish(
        self, subject: str, data: bytes, headers: Mapping[str, str], *, timeout: timedelta = ANSWER
    ) -> int:
        """Store a message once and return its sequence. Raises as ``api`` does; nothing is repeated."""
        return int(str(_parsed(subject, await self.ask(subject, data, headers=headers, timeout=timeout))["seq"]))

    def heard(self, error: Exception) -> None:
        """The library's error callback: end the request that the error names, log anything else."""
        text = str(error)[:500]
        if found := _FORBIDDEN.search(text):
            for refusal in self._asking.get(found[1].lower(), ()):
                if not refusal.done():
                    refusal.set_exception(Refused(f"this user may not publish on {found[1]}"))
        log.warning("NATS: %s", text or type(error).__name__)


@asynccontextmanager
async def connect(
    servers: Sequence[str],
    login: Login,
    *,
    tls: ssl.SSLContext | None = None,
    patience: timedelta = timedelta(seconds=10),
) -> AsyncIterator[Wire]:
    """Connect; afterwards the client reconnects by itself for as long as it takes.

    Raises:
        Refused: the credential is wrong.
        Unreachable: no server answers within ``patience``.
    """
    client = Client()
    wire = Wire(client)
    refused = asyncio.get_running_loop().create_future()
    last = "no answer"

    async def heard(error: Exception) -> None:
        nonlocal last
        last = str(error) or type(error).__name__
        if "authorization violation" in last.lower() and not refused.done() and not client.is_connected:
            refused.set_result(None)
        if connecting.done():  # until then each failed try is in the one error that connect raises
            wire.heard(error)

    connecting = asyncio.ensure_future(
        client.connect(
            servers=list(servers),
            name=f"bringup {login.who}",
            inbox_prefix=login.inbox,
            nkeys_seed_str=login.seed,
            user=login.who if login.seed is None and login.password is not None else None,
            password=login.password if login.seed is None else None,
            tls=tls,
            error_cb=heard,
            connect_timeout=2,
            reconnect_time_wait=0.5,  # type: ignore[arg-type]  # seconds; the library annotates int and only sleeps on it
            max_reconnect_attempts=-1,
            ping_interval=10,
            max_outstanding_pings=2,
        )
    )
    try:
        await asyncio.wait((connecting, refused), timeout=patience.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        if refused.done():
            raise Refused(f"NATS refused the credential of {login.who}: is this user in the server's configuration?")
        if not connecting.done():
            raise Unreachable(f"no NATS at {', '.join(servers)} within {patience.total_seconds():.0f} s: {last[:200]}")
        connecting.result()
        wire.prefix = await _api_prefix(wire, patience)
        yield wire
    finally:
        connecting.cancel()
        refused.cancel()
        await _close(client)


async def _close(client: Client) -> None:
    """Close. With the server away the library still writes what is pending, and trips over its own closed socket."""
    try:
        await client.close()
    except (OSError, TypeError, RuntimeError, AttributeError, nats.errors.Error) as error:
        log.warning("NATS: what was pending is lost: %s", str(error)[:200])


async def _api_prefix(wire: Wire, patience: timedelta) -> str:
    """Where this login finds the site's JetStream: in its own account, or imported into its role's account."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while True:
        try:
            said = json.loads((await wire.ask(f"{OWN_API}.INFO", timeout=timedelta(seconds=1))).data)
        except Unreachable:
            if wire.closed or loop.time() >= deadline:
                raise
            await asyncio.sleep(0.1)
            continue
        own = said.get("error", {}).get("err_code") != _NOT_IN_THIS_ACCOUNT
        return OWN_API if own else IMPORTED_API


async def _until_status(listening: Subscription) -> tuple[Sequence[Msg], Mapping[str, str]]:
    found: list[Msg] = []
    while True:
        message = await listening.next_msg(timeout=None)
        headers = {str(k): str(v) for k, v in (message.headers or {}).items()}
        if "Status" in headers:
            return found, headers
        found.append(message)


def _parsed(subject: str, answer: Msg) -> dict[str, Json]:
    try:
        said = json.loads(answer.data)
    except ValueError:
        raise Rejected(subject, 0, f"the answer is not JSON: {answer.data[:100]!r}") from None
    if "error" in said:
        error = said["error"]
        code, text = int(error.get("err_code", 0)), str(error.get("description", ""))[:300]
        if error.get("code") == 503:
            raise NotStored(f"JetStream can't take {subject} now: {text} ({code})")
        raise Rejected(subject, code, text)
    return dict(said)
