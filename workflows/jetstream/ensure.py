"""Making a site's streams, as often as one likes: what is there already and equal stays untouched."""

import asyncio
from datetime import timedelta

from workflows.jetstream.table import STREAMS, Stream
from workflows.jetstream.wire import Rejected, Wire
from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json

PATIENCE = timedelta(seconds=30)
MINIMUM = (2, 12)
_NOT_FOUND = 10059
_ANSWER = timedelta(seconds=1)
_PAUSE = 0.1


async def ensure_streams(wire: Wire, *, replicas: int = 1, patience: timedelta = PATIENCE) -> None:
    """Create every stream of the table, or bring it to the table's settings.

    Waits for a cluster that is still electing its leader, which answers nothing: so it asks again each second.

    Raises:
        Refused: the server is too old, has no JetStream, or refuses a change that can't be made in place.
        Unreachable: not done within ``patience``.
    """
    version = wire.client.connected_server_version
    if (version.major, version.minor) < MINIMUM:
        raise Refused(f"nats-server {version} is too old: bringup needs {'.'.join(map(str, MINIMUM))} or newer")
    last: Unreachable | None = None
    try:
        async with asyncio.timeout(patience.total_seconds()):
            for stream in STREAMS:
                while True:
                    try:
                        await _ensure(wire, stream, stream.config(replicas))
                        break
                    except Unreachable as error:
                        last = error
                        await asyncio.sleep(_PAUSE)
    except TimeoutError:
        raise Unreachable(f"the streams were not made within {patience.total_seconds():.0f} s: {last}") from None


async def _ensure(wire: Wire, stream: Stream, wanted: dict[str, Json]) -> None:
    """Look first: a login that may only read is enough where nothing is to be done."""
    try:
        found = (await wire.api(f"STREAM.INFO.{stream.name}", timeout=_ANSWER))["config"]
    except Rejected as refusal:
        if refusal.code != _NOT_FOUND:
            raise
        await wire.api(f"STREAM.CREATE.{stream.name}", wanted, timeout=_ANSWER)
        return
    assert isinstance(found, dict)
    if any((found.get(key) or None) != (value or None) for key, value in wanted.items()):
        await wire.api(f"STREAM.UPDATE.{stream.name}", wanted, timeout=_ANSWER)
