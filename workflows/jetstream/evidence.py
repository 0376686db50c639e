"""Raw outputs by their SHA-256, in the format of NATS' object store: ``nats object get evidence HASH`` shows them, too.

An object is chunks on one subject of its own and a record that names them, published last: a write that was cut short
leaves no object. Reading needs direct reads only, so that a person may read without being able to make consumers.
Format: NATS ADR-20.
"""

import base64
import hashlib
import json
import secrets

from workflows.jetstream.direct import messages
from workflows.jetstream.table import EVIDENCE, EVIDENCE_BUCKET
from workflows.jetstream.wire import Wire
from workflows.model.errors import BadInput, Refused, Unreachable

MAX_EVIDENCE = 64 << 20
CHUNK = 128 << 10


class JetStreamEvidence:
    """Implements ``ports.Evidence``."""

    def __init__(self, wire: Wire):
        self._wire = wire

    async def put(self, data: bytes) -> str:
        """Keep the bytes, at most 64 MiB; returns their SHA-256 (hex). What is kept already is not written again.

        Raises:
            BadInput: too large.
            Refused: this user may not keep evidence.
            Unreachable: no answer; keep it again, twice is once.
        """
        if len(data) > MAX_EVIDENCE:
            raise BadInput(f"evidence of {len(data)} bytes: at most {MAX_EVIDENCE} are kept")
        digest = hashlib.sha256(data)
        name = digest.hexdigest()
        if await self._record(name) is not None:
            return name
        place = secrets.token_hex(11)
        chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
        for chunk in chunks:
            await self._wire.publish(f"$O.{EVIDENCE_BUCKET}.C.{place}", chunk, {})
        record = {
            "name": name,
            "bucket": EVIDENCE_BUCKET,
            "nuid": place,
            "size": len(data),
            "chunks": len(chunks),
            "digest": f"SHA-256={base64.urlsafe_b64encode(digest.digest()).decode()}",
            "options": {"max_chunk_size": CHUNK},
        }
        await self._wire.publish(_record_subject(name), json.dumps(record).encode(), {"Nats-Rollup": "sub"})
        return name

    async def get(self, sha256: str) -> bytes:
        """The bytes, checked against their hash.

        Raises:
            Refused: they are not kept, or don't have their hash any more.
            Unreachable: no answer.
        """
        place = await self._record(sha256)
        if place is None:
            raise Refused(f"no evidence {sha256[:64]} is kept here")
        chunks = messages(self._wire, EVIDENCE, f"$O.{EVIDENCE_BUCKET}.C.{place}")
        data = b"".join([chunk.data async for chunk in chunks])
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refused(f"evidence {sha256[:12]} doesn't have its hash any more; don't trust it")
        return data

    async def _record(self, name: str) -> str | None:
        """Where an object's chunks are."""
        answer = await self._wire.ask(f"{self._wire.prefix}.DIRECT.GET.{EVIDENCE}.{_record_subject(name)}")
        status = (answer.headers or {}).get("Status")
        if status == "404":
            return None
        if status is not None:
            raise Unreachable(f"evidence {name[:12]} can't be looked up now: {status}")
        return str(json.loads(answer.data)["nuid"])


def _record_subject(name: str) -> str:
    return f"$O.{EVIDENCE_BUCKET}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"
