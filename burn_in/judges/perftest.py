"""perftest between two ports: the largest message's bandwidth as a share of the port's rate, the smallest one's latency."""

from burn_in.judges.verdicts import Want, at_most, error, judged, show
from burn_in.readers.perftest import Perftest
from burn_in.thresholds.common import CommonThresholds
from workflows.model.verdict import Action, Check


def judge_perftest(entity: str, run: Perftest, rate_gbps: float | None, limits: CommonThresholds) -> tuple[Check, ...]:
    """A run of whichever test it was, by what its rows hold: bandwidths or times."""
    if any("t_typical_us" in row.values for row in run.rows):
        return judge_latency(entity, run, limits)
    return judge_bandwidth(entity, run, rate_gbps, limits)


def judge_bandwidth(entity: str, run: Perftest, rate_gbps: float | None, limits: CommonThresholds) -> tuple[Check, ...]:
    """``ib_write_bw`` and its sisters on a port of that rate (from the sku; None: it names none)."""
    largest = max(run.rows, key=lambda row: row.size, default=None)
    reached = largest.gbits_per_s if largest else None
    floor = None if rate_gbps is None else rate_gbps * limits.rdma_share.value
    want = Want(
        "a rate in the sku" if floor is None else f"at least {show(floor, 'Gb/s')}",
        limits.rdma_share.cited,
        Action.RE_CABLE,
        "Gb/s",
    )
    measured = reached if floor is not None else None
    good = measured is not None and floor is not None and measured >= floor
    return (*_complaints(entity, run), judged("infiniband.bandwidth", entity, measured, good, want))


def judge_latency(entity: str, run: Perftest, limits: CommonThresholds) -> tuple[Check, ...]:
    """``ib_write_lat``, ``ib_send_lat`` or ``ib_read_lat``; reads cross the wire twice and have their own limit."""
    smallest = min(run.rows, key=lambda row: row.size, default=None)
    typical = smallest.values.get("t_typical_us") if smallest else None
    read = "read" in (run.test or "").lower()
    limit = limits.rdma_read_latency_us if read else limits.rdma_write_latency_us
    found = at_most("infiniband.latency", entity, typical, limit, Action.RE_CABLE, "us")
    return (*_complaints(entity, run), found)


def _complaints(entity: str, run: Perftest) -> list[Check]:
    return [error("infiniband.perftest", entity, f"perftest complains: {f[:300]}") for f in run.failures]
