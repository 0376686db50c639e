"""The server's time: forward at once, back only slowly, because a lease must not be believed in longer."""

from datetime import UTC, datetime, timedelta

import pytest

from lab.memory import MemoryStore
from workflows.jetstream import clock
from workflows.jetstream.clock import ServerClock

pytestmark = pytest.mark.fast

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What this host's boot-time clock shows."""
    shown = [1000.0]
    monkeypatch.setattr(clock, "_boottime", lambda: shown[0])
    return shown


@pytest.mark.parametrize(
    ("server_after_100_s", "shown"),
    [(100, 100), (107, 107), (99.5, 99.5), (90, 99), (0, 99)],
)
def test_a_new_sample(ticks: list[float], server_after_100_s: float, shown: float) -> None:
    server = ServerClock(MemoryStore(), NOON, 1000.0)
    ticks[0] = 1100.0
    assert server.now() == NOON + timedelta(seconds=100)
    server.correct(NOON + timedelta(seconds=server_after_100_s), 1100.0)
    assert server.now() == NOON + timedelta(seconds=shown)


async def test_a_wrong_wall_clock_of_this_host_moves_nothing() -> None:
    store = MemoryStore()
    sampled = await ServerClock.sampled(store)
    assert abs(sampled.now() - await store.now()) < timedelta(seconds=0.5)
