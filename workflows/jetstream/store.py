"""The state on one JetStream stream: newest record of a key, compare-and-set, and writes that a lease must still allow.

Theory of operation. The server makes every decision; this file only asks in the right words.

- Compare-and-set: ``Nats-Expected-Last-Subject-Sequence`` is the key's newest sequence, that of a deletion or expiry marker
  included. Refused with 10071: ``Conflict``.
- Fence: an ``append`` names another subject (``...-Sequence-Subject``), the lease, and the sequence that the lease must
  still have. Refused with 10071: ``Fenced``. A guard of 0 would be accepted where no lease exists, so it is never sent.
- A lost acknowledgement of an append is answered by the very same publish: the key carries the holder's token, so nobody
  else ever writes it, and a second copy replaces the first. A compare-and-set can't be repeated like that: it raises
  ``Unreachable`` and the caller reads what became of it.
- On three replicas, guarded writes under way at the same time refuse each other with 10164. It says that nothing was
  stored, so the write is repeated; appends under one lease go one after the other from the start.

Reads are direct: any replica answers, so they may be a moment old. Protocol: NATS ADR-1, 8, 31, 43, 48.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from workflows.engine.ports import Guard, Value
from workflows.jetstream.pull import ConsumerGone, Delivered, pull
from workflows.jetstream.table import STATE, STATE_PREFIX, nanoseconds
from workflows.jetstream.wire import ANSWER, NotStored, Rejected, Wire
from workflows.model.errors import BadInput, Conflict, Fenced, Refused, Transient, Unreachable
from workflows.model.record import Json

PATIENCE = timedelta(seconds=15)
NEVER = datetime.fromtimestamp(0, UTC)

_WRONG_SEQUENCE = 10071
_WRITE_UNDER_WAY = 10164
_ATTEMPT = timedelta(seconds=2)
_PAUSE = 0.1
_AGAIN = 0.5
_BATCH = 512
_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_PATTERN = re.compile(r"([A-Za-z0-9_-]+|\*)(\.([A-Za-z0-9_-]+|\*))*(\.>)?")


class JetStreamStore:
    """Implements ``ports.Store``."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: str) -> Value:
        """The newest record; sequence 0 where there never was one. A marker has a sequence and no data."""
        answer = await self._wire.ask(f"{self._wire.prefix}.DIRECT.GET.{STATE}.{_subject(key)}")
        headers = answer.headers or {}
        match headers.get("Status"):
            case None:
                return _value(headers, answer.data)
            case "404":
                return Value(key, None, 0, NEVER)
            case status:
                raise Unreachable(f"reading {key}: {status} {headers.get('Description', '')}")

    async def list(self, pattern: str) -> list[Value]:
        """All live records that match, ordered by sequence: one request, or a snapshot where there are many."""
        subject = _filter(pattern)
        found = await self._last_of(subject)
        if found is None:
            found = await self._snapshot(subject)
        return sorted((v for v in found if v.data is not None), key=lambda v: v.seq)

    async def put(self, key: str, data: bytes, *, expect: int, ttl: timedelta | None = None) -> int:
        """Write if the key's newest sequence is still ``expect``."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(expect)}
        if ttl is not None:
            if ttl < timedelta(seconds=1):
                raise BadInput(f"{key}: a record lives at least 1 s, not {ttl.total_seconds()} s")
            headers["Nats-TTL"] = f"{-(-ttl // timedelta(seconds=1))}s"
        return await self._compare_and_set(key, data, headers)

    async def append(self, key: str, data: bytes, *, guard: Guard) -> int:
        """Write under a lease; refused by the server once the lease is not at the guard's sequence."""
        assert guard.seq > 0, "a guard of 0 is accepted where no lease exists"
        headers = {
            "Nats-Expected-Last-Subject-Sequence": str(guard.seq),
            "Nats-Expected-Last-Subject-Sequence-Subject": _subject(guard.lease_key),
        }
        lock = self._locks.setdefault(guard.lease_key, asyncio.Lock())
        async with lock:
            try:
                return await self._publish(_subject(key), data, headers, repeat=Unreachable)
            except Rejected as refusal:
                if refusal.code == _WRONG_SEQUENCE:
                    raise Fenced(
                        f"{key}: {guard.lease_key} is not at {guard.seq} any more; nothing was written"
                    ) from None
                raise

    async def delete(self, key: str, *, expect: int) -> None:
        """Delete if the newest sequence is still ``expect``."""
        await self._compare_and_set(
            key, b"", {"Nats-Expected-Last-Subject-Sequence": str(expect), "KV-Operation": "DEL"}
        )

    async def watch(self, *patterns: str) -> AsyncIterator[Value]:
        """Current records that match, then each change for ever.

        Goes on after the last record seen when its consumer is lost (reconnect, new leader), and starts over, showing
        all current records again, when the stream is behind that: it was restored from a backup.
        """
        filters = [_filter(p) for p in patterns]
        last = 0
        while True:
            try:
                last = last if last <= await self._last_sequence() else 0
                name, waiting = await self._consumer(filters, after=last)
                current = waiting if last == 0 else 0
                number = 0
                async with aclosing(pull(self._wire, STATE, name, batch=_BATCH)) as messages:
                    async for message in messages:
                        number += 1
                        if message.number != number:
                            break
                        last = message.sequence
                        value = _watched(message)
                        if value.data is not None or number > current:
                            yield value
            except ConsumerGone:
                pass
            except Transient:
                if self._wire.closed:
                    raise
            await asyncio.sleep(_AGAIN)

    async def now(self) -> datetime:
        """The server's time."""
        return datetime.fromisoformat(str((await self._wire.api(f"STREAM.INFO.{STATE}"))["ts"]))

    # --- writing ------------------------------------------------------------------------------------------------------

    async def _compare_and_set(self, key: str, data: bytes, headers: dict[str, str]) -> int:
        try:
            return await self._publish(_subject(key), data, headers, repeat=NotStored)
        except Rejected as refusal:
            if refusal.code == _WRONG_SEQUENCE:
                raise Conflict(f"{key} has changed meanwhile; read it again and decide again") from None
            raise

    async def _publish(self, subject: str, data: bytes, headers: dict[str, str], *, repeat: type[Unreachable]) -> int:
        """Publish until it is stored or refused. Failures of kind ``repeat`` are repeated, the very same, for 15 s."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE.total_seconds()
        attempt = _ATTEMPT if repeat is Unreachable else ANSWER
        while True:
            try:
                return await self._wire.publish(subject, data, headers, timeout=attempt)
            except repeat:
                if self._wire.closed or loop.time() >= deadline:
                    raise
            except Rejected as refusal:
                if refusal.code != _WRITE_UNDER_WAY or loop.time() >= deadline:
                    raise
            await asyncio.sleep(_PAUSE)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _last_of(self, subject: str) -> Sequence[Value] | None:
        """The newest records by one direct request; None where the server says that they are too many (1,024)."""
        found, end = await self._wire.ask_for_all(f"{self._wire.prefix}.DIRECT.GET.{STATE}", {"multi_last": [subject]})
        match end["Status"]:
            case "204" | "404":
                return [_value(m.headers or {}, m.data) for m in found]
            case "413":
                return None
            case status:
                raise Unreachable(f"listing {subject}: {status} {end.get('Description', '')}")

    async def _snapshot(self, subject: str) -> Sequence[Value]:
        """The newest records by a consumer that is read to its end."""
        try:
            async with asyncio.timeout(2 * PATIENCE.total_seconds()):
                name, pending = await self._consumer([subject], after=0)
                found: dict[str, Value] = {}
                number = 0
                if not pending:
                    return ()
                async with aclosing(pull(self._wire, STATE, name, batch=_BATCH)) as messages:
                    async for message in messages:
                        number += 1
                        if message.number != number:
                            break
                        value = _watched(message)
                        found[value.key] = value
                        if message.pending == 0:
                            return tuple(found.values())
                raise Unreachable(f"listing {subject}: a message was lost on the way; read again")
        except (TimeoutError, ConsumerGone):
            raise Unreachable(f"listing {subject}: the server stopped answering; read again") from None

    async def _consumer(self, filters: Sequence[str], *, after: int) -> tuple[str, int]:
        """Make a consumer without acknowledgements; returns its name and how many messages wait for it."""
        name = self._wire.client.new_inbox().rpartition(".")[2]
        config: dict[str, Json] = {
            "name": name,
            "ack_policy": "none",
            "max_deliver": 1,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": nanoseconds(timedelta(seconds=30)),
            "filter_subjects": [*filters],
            "deliver_policy": "by_start_sequence" if after else "last_per_subject",
        }
        if after:
            config["opt_start_seq"] = after + 1
        try:
            made = await self._wire.api(f"CONSUMER.CREATE.{STATE}.{name}", {"stream_name": STATE, "config": config})
        except Rejected as refusal:
            raise Refused(f"can't watch {', '.join(filters)}: {refusal}") from None
        return name, int(str(made["num_pending"]))

    async def _last_sequence(self) -> int:
        state = (await self._wire.api(f"STREAM.INFO.{STATE}"))["state"]
        assert isinstance(state, dict)
        return int(str(state["last_seq"]))


def _subject(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise BadInput(f"{key[:200]!r} is no key: parts of letters, digits, - and _, joined by dots")
    return STATE_PREFIX + key


def _filter(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        raise BadInput(f"{pattern[:200]!r} is no pattern: parts as in keys, * for one part, .> for the rest")
    return STATE_PREFIX + pattern


def _is_marker(headers: dict[str, str]) -> bool:
    return headers.get("KV-Operation") in ("DEL", "PURGE") or "Nats-Marker-Reason" in headers


def _value(headers: dict[str, str], data: bytes | None) -> Value:
    return Value(
        key=headers["Nats-Subject"].removeprefix(STATE_PREFIX),
        data=None if _is_marker(headers) else data or b"",
        seq=int(headers["Nats-Sequence"]),
        time=datetime.fromisoformat(headers["Nats-Time-Stamp"]),
    )


def _watched(message: Delivered) -> Value:
    data = None if _is_marker(message.headers) else message.data
    return Value(message.subject.removeprefix(STATE_PREFIX), data, message.sequence, message.time)
