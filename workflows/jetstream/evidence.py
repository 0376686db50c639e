"""Raw outputs by their SHA-256 in a JetStream object store: what ``nats object get evidence HASH`` shows, too."""

import asyncio
import hashlib
from datetime import timedelta

import nats.errors
from nats.js.errors import APIError, BucketNotFoundError, ObjectNotFoundError
from nats.js.object_store import ObjectStore

from workflows.jetstream.table import EVIDENCE_BUCKET
from workflows.jetstream.wire import Wire
from workflows.model.errors import BadInput, Refused, Unreachable

MAX_EVIDENCE = 64 << 20
PATIENCE = timedelta(seconds=60)


class JetStreamEvidence:
    """Implements ``ports.Evidence``."""

    def __init__(self, wire: Wire):
        self._context = wire.client.jetstream()

    async def put(self, data: bytes) -> str:
        """Keep the bytes, at most 64 MiB; returns their SHA-256 (hex). What is kept already is not written again."""
        if len(data) > MAX_EVIDENCE:
            raise BadInput(f"evidence of {len(data)} bytes: at most {MAX_EVIDENCE} are kept")
        name = hashlib.sha256(data).hexdigest()
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                bucket = await self._bucket()
                try:
                    await bucket.get_info(name)
                except ObjectNotFoundError:
                    await bucket.put(name, data)
        except (TimeoutError, nats.errors.Error) as error:
            raise Unreachable(f"evidence {name[:12]} was not kept: {error or 'no answer'}") from None
        return name

    async def get(self, sha256: str) -> bytes:
        """The bytes, checked against their hash. Raises Refused where they are not kept."""
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                found = await (await self._bucket()).get(sha256)
        except ObjectNotFoundError:
            raise Refused(f"no evidence {sha256[:64]} is kept here") from None
        except (TimeoutError, nats.errors.Error) as error:
            raise Unreachable(f"evidence {sha256[:12]} can't be read: {error or 'no answer'}") from None
        data = found.data or b""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refused(f"evidence {sha256[:12]} doesn't have its hash any more; don't trust it")
        return data

    async def _bucket(self) -> ObjectStore:
        try:
            return await self._context.object_store(EVIDENCE_BUCKET)
        except (BucketNotFoundError, APIError) as error:
            raise Unreachable(f"no object store {EVIDENCE_BUCKET}: {error}; were the streams made?") from None
