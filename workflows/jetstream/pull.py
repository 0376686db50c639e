"""Pulling from a consumer without ever going deaf: one loop for watches, wakes and durable consumers.

Theory of operation. A pull request lives in the server's memory: a reconnect, a new leader or a restart loses it silently.
So each asks for a heartbeat every second, and three seconds of silence mean *ask again*. If the server says that the
consumer is gone, ``ConsumerGone`` goes to the caller, who makes it again and knows from where. A message that was under
way to a forgotten request is either delivered again (with acknowledgements) or shows as a gap in ``number`` (without).
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from workflows.jetstream.wire import Wire
from workflows.model.errors import Unreachable

HEARTBEAT = timedelta(seconds=1)
SILENCE = timedelta(seconds=3)
EXPIRES = timedelta(seconds=30)


class ConsumerGone(Exception):
    """The server doesn't know the consumer (any more), or nobody answers for it now."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message of a consumer. ``number`` counts its deliveries from 1; ``pending`` are those that still wait."""

    subject: str
    data: bytes
    headers: dict[str, str]
    sequence: int
    number: int
    pending: int
    time: datetime
    reply: str


async def pull(wire: Wire, stream: str, consumer: str, *, batch: int) -> AsyncGenerator[Delivered]:
    """The consumer's messages for ever, at most ``batch`` of them ahead of the caller.

    Raises:
        ConsumerGone: make it again.
        Unreachable: the connection is closed for good.
    """
    request = json.dumps(
        {
            "batch": batch,
            "expires": int(EXPIRES.total_seconds() * 1e9),
            "idle_heartbeat": int(HEARTBEAT.total_seconds() * 1e9),
        }
    ).encode()
    inbox = wire.client.new_inbox()
    try:
        listening = await wire.client.subscribe(inbox)
    except nats.errors.Error as error:
        raise _gone(wire, consumer, str(error)) from None
    try:
        while True:
            await wire.client.publish(f"{wire.prefix}.CONSUMER.MSG.NEXT.{stream}.{consumer}", request, reply=inbox)
            left = batch
            while left > 0:
                message = await _next(wire, listening)
                if message is None:
                    break
                status = (message.headers or {}).get("Status")
                if status is None:
                    left -= 1
                    yield delivered(message)
                elif status == "503" or (status == "409" and "deleted" in _description(message)):
                    raise ConsumerGone(f"consumer {consumer} of {stream} is gone ({status})")
                elif status != "100":
                    break
    except nats.errors.Error as error:
        raise _gone(wire, consumer, str(error)) from None
    finally:
        if not wire.closed:
            await listening.unsubscribe()


async def _next(wire: Wire, listening: Subscription) -> Msg | None:
    """The next message; None after a silence.

    A client that closes for good cancels this wait. Passed on, that would look as if our own task had been cancelled, and
    a service would end without a word: so it becomes an error.
    """
    try:
        return await listening.next_msg(timeout=SILENCE.total_seconds())
    except nats.errors.TimeoutError:
        return None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if wire.closed and task is not None and not task.cancelling():
            raise nats.errors.ConnectionClosedError from None
        raise


def delivered(message: Msg) -> Delivered:
    """What the reply subject says of a message.

    ``$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<sequence>.<number>.<nanoseconds>.<pending>[.<token>]``
    (NATS ADR-15).
    """
    parts = message.reply.split(".")
    sequence, number, nanoseconds, pending = parts[-4:] if len(parts) == 9 else parts[-5:-1]
    return Delivered(
        subject=message.subject,
        data=message.data,
        headers={str(k): str(v) for k, v in (message.headers or {}).items()},
        sequence=int(sequence),
        number=int(number),
        pending=int(pending),
        time=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(nanoseconds) // 1000),
        reply=message.reply,
    )


def _description(message: Msg) -> str:
    return str((message.headers or {}).get("Description", "")).lower()


def _gone(wire: Wire, consumer: str, text: str) -> Exception:
    if wire.closed:
        return Unreachable(f"the connection to NATS is closed for good ({text}); start this process again")
    return ConsumerGone(f"consumer {consumer}: {text}")
