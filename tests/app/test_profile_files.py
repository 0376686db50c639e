"""Profile files are followed while the service runs; a broken edit changes nothing."""

import asyncio
from pathlib import Path

import pytest

from app.profile_files import follow_profiles
from inventory_sync.profiles import Profiles

pytestmark = pytest.mark.real


async def test_an_edit_is_handed_over_and_a_broken_one_is_not(tmp_path: Path) -> None:
    skus = tmp_path / "skus"
    skus.mkdir()
    (tmp_path / "releases").mkdir()
    used: asyncio.Queue[Profiles] = asyncio.Queue()
    following = asyncio.create_task(follow_profiles(tmp_path, used.put_nowait))
    try:
        async with asyncio.timeout(20):
            number = 0
            while used.empty():  # the watch may begin after the first writes
                number += 1
                (skus / "one.yaml").write_text(f"system_disk: {{min_bytes: {number}}}\n")
                await asyncio.wait((following,), timeout=0.2)
            (skus / "broken.yaml").write_text("system_disk: [\n")
            (skus / "two.yaml").write_text("system_disk: {}\n")
            await asyncio.wait((following,), timeout=3)
            while not used.empty():
                assert set(used.get_nowait().skus) == {"one"}
            (skus / "broken.yaml").unlink()
            while set((await used.get()).skus) != {"one", "two"}:
                pass
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
