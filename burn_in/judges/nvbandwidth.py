"""nvbandwidth: each GPU's way to the host and back, and each pair's NVLink, by the floor and beside the sisters."""

from burn_in.judges.sisters import judge_sisters
from burn_in.judges.verdicts import error, no_limit
from burn_in.readers.nvbandwidth import BandwidthTest, NvBandwidth
from burn_in.thresholds.load import GpuThresholds
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check

_UNIT = "GB/s"


def judge_nvbandwidth(run: NvBandwidth, wanted: GpuThresholds, gpus: int) -> tuple[Check, ...]:
    """One run on a node with so many GPUs; a test that the run lacks, or that did not pass, has no value."""
    tests = {test.name: test for test in run.tests}
    checks = [error("nvbandwidth.run", "", f"nvbandwidth complains: {e[:300]}") for e in run.errors]
    sides: tuple[tuple[str, str, Threshold | None], ...] = (
        ("host_to_device", "host_to_device_memcpy_ce", wanted.host_to_device_gbs),
        ("device_to_host", "device_to_host_memcpy_ce", wanted.device_to_host_gbs),
    )
    for name, test, floor in sides:
        row = _rows(tests.get(test))
        values = {f"GPU {n}": row[0][n] if row and n < len(row[0]) else None for n in range(gpus)}
        checks += judge_sisters(f"nvbandwidth.{name}", values, floor, _UNIT, Action.SERVICE)
    if gpus > 1:
        checks += _peers(tests.get("device_to_device_memcpy_read_ce"), wanted.peer_gbs, gpus)
    return tuple(checks)


def _peers(test: BandwidthTest | None, floor: Threshold | None, gpus: int) -> tuple[Check, ...]:
    """Each GPU by its slowest partner: a slow link shows in both of its GPUs' rows."""
    rows = _rows(test)
    values: dict[str, float | None] = {}
    for one in range(gpus):
        row = rows[one] if one < len(rows) else ()
        others = [row[n] if n < len(row) else None for n in range(gpus) if n != one]
        known = [v for v in others if v is not None]
        values[f"GPU {one}"] = min(known) if known and len(known) == len(others) else None
    if floor is None and not any(v is not None for v in values.values()):
        return (no_limit("nvbandwidth.peer", "", None, _UNIT),)
    return judge_sisters("nvbandwidth.peer", values, floor, _UNIT, Action.SERVICE)


def _rows(test: BandwidthTest | None) -> tuple[tuple[float | None, ...], ...]:
    """The values of a test that passed, in GB/s."""
    return test.matrix if test is not None and test.status == "Passed" and test.unit == _UNIT else ()
