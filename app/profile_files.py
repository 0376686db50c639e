"""Follows the profile files: an edit makes new wishes (a new generation each), and wipes nothing by itself (law 4)."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

from inventory_sync.profiles import Profiles, load_profiles
from workflows.model.errors import BadInput

log = logging.getLogger("bringup.profiles")


async def follow_profiles(directory: Path, use: Callable[[Profiles], None]) -> None:
    """Hand over the profiles after each change, for ever. A file that can't be read leaves those that are in use."""
    async for _ in awatch(directory):
        try:
            use(await asyncio.to_thread(load_profiles, directory))
        except BadInput as error:
            log.error("the profiles stay as they were: %s", error)
