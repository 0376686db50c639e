"""How far estimates of the time left are off, in simulation: each step's time is drawn anew for every run.

Steps take log-normal times (a spread of a third, a long tail, as POSTs and image servers show). The twentieth run of a
profile is estimated from the nineteen before it, at a chance moment of it. Nothing here was measured on hardware.
"""

import math
import random
from datetime import timedelta
from statistics import median

from frontends.expected import History
from tests.workflows.samples import NOON, desired
from workflows.model.status import NodeState, NodeStatus, StepTiming

STEPS = {
    "identify": 3,
    "power_off": 20,
    "netboot": 240,
    "deploy": 420,
    "configure": 900,
    "reboot": 300,
    "burn_in": 1800,
}
RUNS, TRIALS, SPREAD = 19, 2000, 1 / 3


def drawn(luck: random.Random) -> tuple[StepTiming, ...]:
    """One run's timings."""
    return tuple(
        StepTiming(step=name, seconds=usual * math.exp(luck.gauss(0, SPREAD))) for name, usual in STEPS.items()
    )


def main() -> None:
    """Print how far the middle was off, and how often the truth lay within the range."""
    luck, off, within, ranged = random.Random(1), [], 0, 0  # noqa: S311
    for _ in range(TRIALS):
        past = []
        for number in range(1, RUNS + 1):
            wish = desired(f"gpu-{number:03}")
            status = NodeStatus(node=wish.node, workflow="provision", outcome="succeeded", timings=drawn(luck))
            past.append((wish, status))
        truth = drawn(luck)
        moment = luck.uniform(0, sum(t.seconds for t in truth))
        left, spent = sum(t.seconds for t in truth) - moment, 0.0
        for timing in truth:
            if moment < spent + timing.seconds:
                break
            spent += timing.seconds
        wish = desired("gpu-100")
        running = NodeStatus(
            node=wish.node, state=NodeState.RUNNING, workflow="provision", step=timing.step, step_since=NOON
        )
        progress = History(past).progress(wish, running, NOON + timedelta(seconds=moment - spent))
        assert progress.left is not None
        off.append(abs(progress.left.total_seconds() - left))
        if progress.between is not None:
            ranged += 1
            within += progress.between[0].total_seconds() <= left <= progress.between[1].total_seconds()
    whole = sum(STEPS.values())
    print(f"time left of runs of about {whole / 60:.0f} min, estimated from {RUNS} runs, {TRIALS} times (simulated)")
    print(f"off by {median(off):.0f} s in the middle, {sorted(off)[int(0.9 * len(off))]:.0f} s at worst in nine of ten")
    print(f"the truth was within the range {within / ranged:.0%} of the time; no range {1 - ranged / TRIALS:.1%}")


if __name__ == "__main__":
    main()
