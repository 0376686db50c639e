"""``gpu_burn``: what it printed. Its exit status is always 0, and it says OK of a GPU that did nothing.

Source: a recorded log of 8×A100; gpu_burn-drv.cpp.
"""

import re
from dataclasses import dataclass

from burn_in.readers.text import plain_lines, shown
from burn_in.readers.unreadable import Unreadable

_TESTED = re.compile(r"^Tested (\d+) GPUs:$")
_VERDICT = re.compile(r"^\s*GPU (\d+): (OK|FAULTY)$")
_PROGRESS = re.compile(r"^\s*(\d+(?:\.\d+)?)%\s+proc'd: (.*?)\s+errors: (.*?)\s+temps: (.*)$")
_DONE = re.compile(r"^(-?\d+) \((\d+) Gflop/s\)$")
_ERRORS = re.compile(r"^(-?\d+)(?: +\((?:WARNING!|DIED!)\))?$")
_TEMPERATURE = re.compile(r"^(\d+) C$|^--$")
_TROUBLE = re.compile(r"Couldn't|No clients are alive|Error in|Failure|Low mem|No CUDA devices|DIED", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BurnedGpu:
    """One GPU. ``iterations`` 0: it did nothing, whatever the verdict says. None: no progress line told.

    ``gflops``: of its last round; ``hottest_c``: the highest temperature that was shown.
    """

    index: int
    ok: bool
    iterations: int | None
    gflops: float | None
    errors: int | None
    hottest_c: int | None


@dataclass(frozen=True, slots=True)
class GpuBurn:
    """One run to its end. ``percent``: how far the last progress line was; ``troubles``: lines that name a failure."""

    gpus: tuple[BurnedGpu, ...]
    percent: float | None
    troubles: tuple[str, ...]


def read_gpu_burn(text: str) -> GpuBurn:
    """What became of each GPU.

    Raises:
        Unreadable: no verdict (it never began, was killed, or the output was cut), or fewer verdicts than it announces.
    """
    lines = plain_lines(text)
    troubles = tuple(dict.fromkeys(shown(line) for line in lines if _TROUBLE.search(line)))
    count = next((int(found[1][:6]) for line in lines if (found := _TESTED.match(line.strip()))), None)
    verdicts = {int(v[1][:6]): v[2] == "OK" for line in lines if (v := _VERDICT.match(line))}
    if count is None:
        raise Unreadable(f"gpu_burn: no verdict: {troubles[-1] if troubles else shown(text[-200:]) or 'no output'}")
    if not verdicts or len(verdicts) != count:
        raise Unreadable(f"gpu_burn: {len(verdicts)} verdicts for {count} GPUs, so the output was cut")
    rounds = [r for line in lines if (found := _PROGRESS.match(line)) for r in [_round(found, count)] if r]
    gpus = tuple(_gpu(i, n, verdicts[n], rounds) for i, n in enumerate(sorted(verdicts)))
    return GpuBurn(gpus, rounds[-1].percent if rounds else None, troubles)


@dataclass(frozen=True, slots=True)
class _Round:
    percent: float
    done: list[tuple[int, int]]
    errors: list[int]
    temperatures: list[int | None]


def _round(found: re.Match[str], count: int) -> _Round | None:
    """A progress line; None for one that was overwritten half-way, as a terminal's carriage returns do."""
    done = [_DONE.match(part.strip()) for part in found[2].split(" - ")]
    errors = [_ERRORS.match(part.strip()) for part in found[3].split(" - ")]
    warm = [_TEMPERATURE.match(part.strip()) for part in found[4].split(" - ")]
    if len(done) != count or len(errors) != count or len(warm) != count:
        return None
    if not all(done) or not all(errors) or not all(warm):
        return None
    return _Round(
        percent=float(found[1][:9]),
        done=[(int(d[1][:18]), int(d[2][:18])) for d in done if d],
        errors=[int(e[1][:18]) for e in errors if e],
        temperatures=[int(t[1][:6]) if t[1] else None for t in warm if t],
    )


def _gpu(at: int, index: int, ok: bool, rounds: list[_Round]) -> BurnedGpu:
    """The highest number of errors that any line showed: a terminal may have overwritten the last one."""
    if not rounds:
        return BurnedGpu(index, ok, None, None, None, None)
    warm = [t for r in rounds if (t := r.temperatures[at]) is not None]
    iterations, gflops = rounds[-1].done[at]
    errors = max(r.errors[at] for r in rounds)
    return BurnedGpu(index, ok, iterations, float(gflops), errors, max(warm) if warm else None)
