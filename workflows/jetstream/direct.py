"""Reading a stream's messages in order by direct reads: no consumer is made, so a login that may only read can do it.

Any replica answers, so the newest messages may be missing for a moment. Batches: NATS ADR-31.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from nats.aio.msg import Msg

from workflows.engine.ports import Message
from workflows.jetstream.wire import Wire
from workflows.model.errors import Unreachable
from workflows.model.record import Json

_BATCH = 64


async def messages(wire: Wire, stream: str, subject: str, *, after: int = 0) -> AsyncIterator[Message]:
    """The stored messages of a subject (or pattern) with a sequence above ``after``, oldest first, to the present end.

    Raises:
        Refused: this user may not read the stream.
        Unreachable: no answer.
    """
    more = True
    while more:
        wanted: dict[str, Json] = {"seq": after + 1, "next_by_subj": subject, "batch": _BATCH}
        found, end = await wire.ask_for_all(f"{wire.prefix}.DIRECT.GET.{stream}", wanted)
        if end["Status"] not in ("204", "404"):
            raise Unreachable(f"{subject} can't be read now: {end['Status']} {end.get('Description', '')}")
        for message in map(_message, found):
            after = message.sequence
            yield message
        more = bool(found) and int(end.get("Nats-Num-Pending", "0")) > 0


def _message(found: Msg) -> Message:
    headers = found.headers or {}
    time = datetime.fromisoformat(headers["Nats-Time-Stamp"]).astimezone(UTC)
    return Message(headers["Nats-Subject"], found.data, int(headers["Nats-Sequence"]), time)
