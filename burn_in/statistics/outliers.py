"""Outliers by median and MAD, beside an absolute floor: which parts are slow though they pass.

Theory of operation. A floor finds what is broken; it can't find the one part of eight that is 8 % slower than its
sisters, and that part sets the pace of every job. So members that ran the same test at the same time are compared with
their own median. The spread is the median absolute deviation, which a minority of bad members can't move (a mean and a
standard deviation would be pulled towards them and hide them). A member stands apart only if it is both far out in
spreads (3.5: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993) and away by a share that matters (5 %:
SuperBench's variance rule), because eight equal members have a spread of nearly nothing.

Below five members a median says nothing: then it is the floor only, and that is said. A member without a value belongs
to no median and is never *typical*.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

FEWEST = 5
FAR = 3.5
SHARE = 0.05
_MAD_TO_SIGMA = 1.4826
"""Makes the MAD of normally distributed values their standard deviation."""


class Standing(StrEnum):
    """Where a member stands among its sisters."""

    TYPICAL = "typical"
    SLOW = "slow"
    UNCOMPARED = "floor only"
    MISSING = "no value"


@dataclass(frozen=True, slots=True)
class Place:
    """One member. ``share`` is its distance from the median as a share of it, below zero where it is worse."""

    name: str
    value: float | None
    standing: Standing
    share: float | None
    words: str


def compare(values: Mapping[str, float | None], *, higher_is_better: bool = True) -> dict[str, Place]:
    """Each member's place among all of them; a value that is no finite number is missing."""
    known = {name: v for name, v in values.items() if v is not None and math.isfinite(v)}
    if len(known) < FEWEST:
        why = f"floor only: {len(known)} members have a value, a comparison needs {FEWEST}"
        return {
            name: Place(name, known[name], Standing.UNCOMPARED, None, why) if name in known else _missing(name)
            for name in values
        }
    middle = median(known.values())
    spread = _MAD_TO_SIGMA * median(abs(v - middle) for v in known.values())
    sign = 1 if higher_is_better else -1
    return {
        name: _place(name, known[name], middle, spread, sign, len(known)) if name in known else _missing(name)
        for name in values
    }


def _place(name: str, value: float, middle: float, spread: float, sign: int, count: int) -> Place:
    behind = sign * (middle - value)
    share = -behind / abs(middle) if middle else 0.0
    slow = behind > FAR * spread and behind > SHARE * abs(middle)
    words = f"{abs(share):.1%} {'worse' if share < 0 else 'better'} than the median of {count}, {middle:.6g}"
    return Place(name, value, Standing.SLOW if slow else Standing.TYPICAL, share, words)


def _missing(name: str) -> Place:
    return Place(name, None, Standing.MISSING, None, "no value")
