"""The bus in memory: wakes that collapse to one a node, streams with durable consumers, and log lines."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from lab.memory.clock import LocalClock, Timers
from lab.memory.pattern import matches
from workflows.engine.ports import Message
from workflows.jetstream.table import stream_of
from workflows.model.errors import BadInput
from workflows.model.keys import NodeKey, Site


@dataclass(slots=True)
class _Durable:
    """Where a durable consumer stands in its stream. ``taken``: somebody has the next message in hand."""

    position: int = 0
    taken: bool = False


@dataclass(slots=True)
class _Stream:
    messages: list[Message] = field(default_factory=list)
    seen: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    durables: defaultdict[str, _Durable] = field(default_factory=lambda: defaultdict(_Durable))


class MemoryBus:
    """Implements ``ports.Bus`` for one site; ``kept`` shows what was published."""

    def __init__(self, site: Site = "lab", clock: Timers | None = None):
        self._site = site
        self._clock: Timers = clock or LocalClock()
        self._waiting: dict[NodeKey, None] = {}
        self._streams: defaultdict[str, _Stream] = defaultdict(_Stream)
        self._something = asyncio.Event()

    async def wake(self, node: NodeKey) -> None:
        """Ask any worker to look at the node."""
        await asyncio.sleep(0)
        self._waiting.pop(node, None)
        self._waiting[node] = None
        self._tell()

    async def wakes(self) -> AsyncIterator[NodeKey]:
        """Wakes for this site, each gone when handed out."""
        while True:
            node = next((n for n in self._waiting if n.startswith(f"{self._site}.")), None)
            if node is None:
                await self._something.wait()
                continue
            del self._waiting[node]
            yield node

    async def publish(self, subject: str, data: bytes, *, dedupe: str | None = None) -> int:
        """Store a message; returns its sequence in the stream, that of the first one for a repeated ``dedupe``."""
        await asyncio.sleep(0)
        owner = stream_of(subject)
        stream, now = self._streams[owner.name], self._clock.now()
        if dedupe is not None:
            first = stream.seen.get(dedupe)
            if first is not None and now < first[1] + owner.dedupe:
                return first[0]
            stream.seen[dedupe] = (len(stream.messages) + 1, now)
        return self._keep(subject, data)

    async def consume(self, durable: str, *subjects: str) -> AsyncIterator[Message]:
        """Messages of one stream for a durable consumer; each is acknowledged when the next one is asked for."""
        streams = {stream_of(s).name for s in subjects}
        if len(streams) != 1:
            raise BadInput(f"one consumer follows one stream, not {', '.join(sorted(streams)) or 'none'}")
        stream = self._streams[streams.pop()]
        state = stream.durables[durable]
        while True:
            message = None if state.taken else self._next(stream, state, subjects)
            if message is None:
                await self._something.wait()
                continue
            state.taken = True
            try:
                yield message
                state.position = message.sequence
            finally:
                state.taken = False
                self._tell()

    def forget_wakes(self) -> None:
        """Lose every wake that nobody has taken yet."""
        self._waiting.clear()

    def log(self, run: str, step: str, line: bytes) -> None:
        """Keep a log line."""
        self._keep(f"log.{run}.{step}", line)

    async def logged(self, run: str, step: str = "*", *, after: int = 0) -> AsyncIterator[Message]:
        """The log lines of a run so far, oldest first."""
        for message in self.kept(f"log.{run}.{step}"):
            if message.sequence > after:
                yield message

    def kept(self, pattern: str) -> list[Message]:
        """What was published on these subjects, oldest first."""
        return [m for m in self._streams[stream_of(pattern).name].messages if matches(pattern, m.subject)]

    def _keep(self, subject: str, data: bytes) -> int:
        messages = self._streams[stream_of(subject).name].messages
        messages.append(Message(subject, data, len(messages) + 1, self._clock.now()))
        self._tell()
        return len(messages)

    def _next(self, stream: _Stream, state: _Durable, subjects: tuple[str, ...]) -> Message | None:
        ahead = stream.messages[state.position :]
        return next((m for m in ahead if any(matches(s, m.subject) for s in subjects)), None)

    def _tell(self) -> None:
        """Wake everybody who waits for something; each looks whether it is for him."""
        self._something.set()
        self._something = asyncio.Event()
