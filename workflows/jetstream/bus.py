"""Wakes, events, commands, logs, notes and dead letters on JetStream.

Theory of operation. Everything here is at least once, and everyone who takes a message reads the state again. A publish is
repeated for 15 s under one message id, which the server remembers for minutes but not across a restart: a courtesy, never
idempotency. A wake that can't be stored is given up with a line in the log: the reconciler wakes the node again.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import nats.errors

from workflows.engine.ports import Message
from workflows.jetstream.direct import messages
from workflows.jetstream.pull import ConsumerGone, Delivered, pull
from workflows.jetstream.table import Consumer, stream_of, wakes_of
from workflows.jetstream.wire import ANSWER, Wire
from workflows.model.errors import BadInput, Transient, Unreachable
from workflows.model.keys import NodeKey, Site

log = logging.getLogger("bringup.jetstream")

PATIENCE = timedelta(seconds=15)
HANDLING = timedelta(minutes=2)
MAX_LINE = 65_536
_LINES = 10_000
_PAUSE = 0.1
_AGAIN = 0.5
_SUBJECT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")


class JetStreamBus:
    """Implements ``ports.Bus`` for one site."""

    def __init__(self, wire: Wire, site: Site):
        self._wire, self._site = wire, site
        self._lines: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_LINES)
        self._writer: asyncio.Task[None] | None = None

    async def wake(self, node: NodeKey) -> None:
        """Ask any worker to look at the node; gives up after 5 s."""
        try:
            await self._wire.publish(_checked(f"wake.{node}"), b"", {}, timeout=ANSWER)
        except Transient as error:
            log.warning("%s: a wake was lost (%s); the reconciler wakes it again", node, error)

    async def wakes(self) -> AsyncIterator[NodeKey]:
        """Wakes for this site, each acknowledged when handed out."""
        async with aclosing(self._messages(wakes_of(self._site))) as messages:
            async for message in messages:
                await self._answer(message, b"+ACK")
                yield message.subject.removeprefix("wake.")

    async def publish(self, subject: str, data: bytes, *, dedupe: str | None = None) -> int:
        """Store a message; returns its sequence.

        Raises:
            Refused: no stream keeps the subject, or this user may not publish there.
            Unreachable: no acknowledgement for 15 s; it may or may not be stored.
        """
        stream_of(_checked(subject))
        headers = {"Nats-Msg-Id": dedupe or self._wire.client.new_inbox()}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE.total_seconds()
        while True:
            try:
                return await self._wire.publish(subject, data, headers, timeout=ANSWER)
            except Unreachable:
                if self._wire.closed or loop.time() >= deadline:
                    raise
            await asyncio.sleep(_PAUSE)

    async def consume(self, durable: str, *subjects: str) -> AsyncIterator[Message]:
        """Messages of one stream for a durable consumer; each is acknowledged when the next one is asked for.

        One that was not is given back when the caller stops. It is held for two minutes at most, and after a crash it
        comes again in 5 s.

        Raises:
            Refused: no stream keeps these subjects, or this user may not use the consumer.
        """
        streams = {stream_of(s).name for s in subjects}
        if len(streams) != 1:
            raise BadInput(f"one consumer follows one stream, not {', '.join(sorted(streams)) or 'none'}")
        consumer = Consumer(durable, streams.pop(), subjects)
        async with aclosing(self._messages(consumer)) as messages:
            async for message in messages:
                holding = asyncio.get_running_loop().create_task(self._hold(message, consumer.wait / 3))
                answer = b"-NAK"
                try:
                    yield Message(message.subject, message.data, message.sequence, message.time)
                    answer = b"+ACK"
                finally:
                    holding.cancel()
                    await self._answer(message, answer)

    def log(self, run: str, step: str, line: bytes) -> None:
        """Publish a log line without waiting; dropped when 10,000 lines are waiting already."""
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_lines())
        if not self._lines.full():
            self._lines.put_nowait((_checked(f"log.{run}.{step}"), line[:MAX_LINE]))

    async def logged(self, run: str, step: str = "*", *, after: int = 0) -> AsyncIterator[Message]:
        """The log lines of a run so far, oldest first.

        Raises:
            Refused: this user may not read the log.
            Unreachable: no answer.
        """
        pattern = f"log.{run}.{step}"
        _checked(pattern.removesuffix(".*"))
        async for message in messages(self._wire, "LOG", pattern, after=after):
            yield message

    async def close(self) -> None:
        """Hand the log lines that wait to the connection and end."""
        if self._writer is None:
            return
        try:
            async with asyncio.timeout(1):
                await self._lines.join()
        except TimeoutError:
            log.warning("%d log lines were lost: NATS took none for a second", self._lines.qsize())
        self._writer.cancel()
        await asyncio.wait((self._writer,))

    async def _messages(self, consumer: Consumer) -> AsyncGenerator[Delivered]:
        """A durable consumer's messages for ever; it is made where it is missing."""
        while True:
            try:
                await self._wire.api(
                    f"CONSUMER.CREATE.{consumer.stream}.{consumer.durable}"
                    + (f".{consumer.filters[0]}" if len(consumer.filters) == 1 else ""),
                    {"stream_name": consumer.stream, "config": consumer.config()},
                )
                async with aclosing(pull(self._wire, consumer.stream, consumer.durable, batch=1)) as messages:
                    async for message in messages:
                        yield message
            except ConsumerGone:
                pass
            except Transient:
                if self._wire.closed:
                    raise
            await asyncio.sleep(_AGAIN)

    async def _hold(self, message: Delivered, every: timedelta) -> None:
        """Tell the server that somebody is at work on the message; a hung one loses it to another instance."""
        for _ in range(HANDLING // every):
            await asyncio.sleep(every.total_seconds())
            await self._answer(message, b"+WPI")

    async def _answer(self, message: Delivered, answer: bytes) -> None:
        """Acknowledge a message, give it back, or say that we are at work on it."""
        try:
            await self._wire.client.publish(message.reply, answer)
        except nats.errors.Error as error:
            log.warning("%s: the acknowledgement was lost (%s); it comes again", message.subject, error)

    async def _write_lines(self) -> None:
        while True:
            subject, line = await self._lines.get()
            try:
                await self._wire.client.publish(subject, line)
            except nats.errors.Error:
                await asyncio.sleep(_PAUSE)
            finally:
                self._lines.task_done()


def _checked(subject: str) -> str:
    if not _SUBJECT.fullmatch(subject):
        raise BadInput(f"{subject[:200]!r} is no subject: parts of letters, digits, - and _, joined by dots")
    return subject
