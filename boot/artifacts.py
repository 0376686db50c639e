"""Static files that machines download: the agent, and images under their SHA-256.

Served by aiohttp's ``FileResponse``: Range, ETag, sendfile. A name is one plain word, so no path can be asked for; a
file becomes an artifact only through ``publish``, which computes its hash.
"""

import asyncio
import os
import re
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from boot.answers import Denied
from boot.image.pack import sha256_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def publish(file: Path, directory: Path, name: str | None = None) -> str:
    """Put a file among the artifacts under ``name``, else under its SHA-256; returns the name. Reads the whole file.

    A hard link where both are on one file system, else a copy; put in place by a rename, so never half there.
    """
    name = name or sha256_of(file)
    directory.mkdir(parents=True, exist_ok=True)
    target, fresh = directory / name, directory / f".{name}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.hardlink_to(file)
    except OSError:
        fresh.write_bytes(file.read_bytes())
    fresh.chmod(0o644)
    fresh.rename(target)
    return name


def find(directory: Path, name: str) -> Path:
    """The artifact's file.

    Raises:
        Denied: a name that is no plain word, or no such artifact.
    """
    path = directory / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise Denied(HTTPStatus.NOT_FOUND, "", f"there is no artifact {name[:128]!r}")
    return path


async def serve(directory: Path, name: str) -> web.FileResponse:
    """The answer to a GET or HEAD of an artifact."""
    return web.FileResponse(await asyncio.to_thread(find, directory, name), chunk_size=1 << 18)
