"""How thoroughly a burn-in looks: what each level of it may take."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Level(StrEnum):
    """From a glance to a day. The probes' loads of each are in ``burn_in/probes/gpu_load.py``."""

    GATE = "gate"
    QUICK = "quick"
    STANDARD = "standard"
    SOAK = "soak"


@dataclass(frozen=True, slots=True)
class Time:
    """``probe``: the deadline of each probe. ``whole``: of all of them together, the way to the node included."""

    probe: timedelta
    whole: timedelta


TIMES: dict[Level, Time] = {
    Level.GATE: Time(timedelta(minutes=5), timedelta(minutes=30)),
    Level.QUICK: Time(timedelta(minutes=50), timedelta(minutes=80)),
    Level.STANDARD: Time(timedelta(minutes=120), timedelta(minutes=150)),
}
"""The levels that this version runs. A soak outlasts what one claim of a node may take, so it is not among them yet."""


def level_named(name: str) -> Level | None:
    """The level of that name if this version runs it."""
    return next((level for level in TIMES if level.value == name), None)
