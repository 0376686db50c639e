"""Evidence in memory."""

import hashlib

from workflows.model.errors import Refused


class MemoryEvidence:
    """Implements ``ports.Evidence``."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, data: bytes) -> str:
        """Keep the bytes; returns their SHA-256 (hex)."""
        name = hashlib.sha256(data).hexdigest()
        self._kept[name] = data
        return name

    async def get(self, sha256: str) -> bytes:
        """The bytes. Raises Refused where they are not kept."""
        try:
            return self._kept[sha256]
        except KeyError:
            raise Refused(f"no evidence {sha256[:64]} is kept here") from None
