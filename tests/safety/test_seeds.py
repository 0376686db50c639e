"""Days that seeds tell: every promise holds at each step; a seed that breaks one is named and tells the same day again."""

import asyncio
import os
import subprocess
import sys

import pytest

from tests.project.tree import ROOT
from tests.safety.day import Day
from tests.safety.moves import tell

SOME, MANY = 60, 2000


@pytest.mark.search
async def test_on_some_days_every_promise_holds() -> None:
    for seed in range(SOME):
        await tell(seed)


@pytest.mark.long
@pytest.mark.search
@pytest.mark.parametrize("first", range(0, MANY, 100))
async def test_on_any_day_every_promise_holds(first: int) -> None:
    for seed in range(first, first + 100):
        await tell(seed)


@pytest.mark.fast
async def test_a_seed_tells_the_same_day_again_to_the_last_byte() -> None:
    assert [await tell(seed) for seed in range(3)] == [await tell(seed) for seed in range(3)]


@pytest.mark.real
async def test_it_does_so_in_another_process_with_another_order_of_hashes() -> None:
    code = "import asyncio; from tests.safety.moves import tell; print(asyncio.run(tell(5)).digest)"
    digests = {
        (
            await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=os.environ | {"PYTHONHASHSEED": hashes},
                capture_output=True,
                text=True,
                check=True,
            )
        ).stdout
        for hashes in ("1", "2")
    }
    assert digests == {(await tell(5)).digest + "\n"}


@pytest.mark.fast
async def test_a_seed_that_breaks_a_promise_is_named_with_its_story(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_day: Day) -> None:
        raise AssertionError("two wipes for one grant")

    monkeypatch.setattr(Day, "check", broken)
    with pytest.raises(AssertionError, match="seed 7 broke a promise:\ntwo wipes for one grant\n\n00:00:00"):
        await tell(7)
