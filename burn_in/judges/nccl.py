"""NCCL's tests: the bandwidth of the largest message, and no wrong result.

Not the tool's average: it is over all sizes and says little. A run whose results nobody compared has proven no
correctness, and one whose largest message is small has proven no bandwidth.
"""

from burn_in.judges.verdicts import Want, at_least, judged
from burn_in.readers.nccl_tests import NcclRow, NcclTests, NcclTiming
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check, Verdict

_LARGE = 1 << 30


def judge_nccl(check: str, run: NcclTests, floor: Threshold | None, ranks: int) -> tuple[Check, ...]:
    """One run over so many GPUs. ``check`` names what it was of (``nccl.node``, ``nccl.pair``)."""
    largest = max(run.rows, key=lambda row: row.size, default=None)
    halves = _halves(largest) if largest else []
    slowest = min((h.bus_gbytes for h in halves), default=None)
    found = at_least(f"{check}.bandwidth", "", slowest, floor, Action.SERVICE, "GB/s")
    if largest is not None and largest.size < _LARGE and found.verdict is Verdict.PASS:
        why = f"its largest message has {largest.size} bytes: at least {_LARGE} tell of bandwidth"
        found = found.model_copy(update={"verdict": Verdict.UNKNOWN, "message": why, "action": Action.COLLECT})
    compared = bool(run.validated) and all(h.wrong is not None for row in run.rows for h in _halves(row))
    wrong = run.out_of_bounds + sum(h.wrong or 0 for row in run.rows for h in _halves(row))
    want = Want("no wrong result", "NCCL's own comparison", Action.SERVICE)
    # A run that stopped comparing may still have met a wrong result before.
    results = judged(f"{check}.wrong", "", wrong if compared or wrong else None, wrong == 0, want)
    seen = Want(f"{ranks} GPUs", "the sku", Action.COLLECT)
    count = judged(f"{check}.ranks", "", len(run.ranks) or None, len(run.ranks) == ranks, seen)
    return found, results, count


def _halves(row: NcclRow) -> list[NcclTiming]:
    return [h for h in (row.out_of_place, row.in_place) if h is not None]
