"""Fetches a firmware image: bounded in size and time, and compared with its SHA-256 before anybody may use it.

Plain HTTP is no matter here: what comes is compared with the hash that the profile names. Redirects are not followed.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from workflows.model.errors import Refused, Unreachable

MAX_IMAGE = 4 << 30
"""Bytes; the firmware package of an HGX baseboard has about 1 GB."""

_SECONDS = 900.0


@asynccontextmanager
async def fetched(url: str, sha256: str) -> AsyncIterator[Path]:
    """The image as a temporary file, which is gone afterwards.

    Raises:
        Unreachable: no answer, or not all of it within 15 minutes.
        Refused: it isn't there, is larger than is read, or isn't what it must be.
    """
    with tempfile.NamedTemporaryFile(prefix="bringup-firmware-") as file:
        found, size = hashlib.sha256(), 0
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS, sock_connect=10)) as http,
                http.get(url, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise Refused(f"the firmware image {url[:300]} answered {answer.status}: correct the sku's image")
                async for piece in answer.content.iter_chunked(1 << 20):
                    size += len(piece)
                    if size > MAX_IMAGE:
                        raise Refused(f"the firmware image {url[:300]} has more than {MAX_IMAGE} bytes: it is not read")
                    found.update(piece)
                    file.write(piece)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"the firmware image {url[:300]} can't be fetched: {type(error).__name__}") from None
        if found.hexdigest() != sha256:
            raise Refused(
                f"the firmware image {url[:300]} has SHA-256 {found.hexdigest()}, the sku says {sha256}: nothing was sent"
            )
        file.flush()
        yield Path(file.name)
