"""Error counters of InfiniBand ports: what grew while the load ran. What stood there before says nothing.

A counter of the plain set stops at its highest value, so a saturated one may hide any number of new errors; one that is
smaller than before was cleared or wrapped. Both are UNKNOWN, with the order to clear it: *delta 0* would be a lie.
"""

from collections.abc import Mapping

from burn_in.judges.verdicts import Want, judged, show
from burn_in.readers.port_counters import PortCounters
from burn_in.thresholds.common import CommonThresholds
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check, Verdict

_FATAL = ("link_downed", "excessive_buffer_overrun_errors", "local_link_integrity_errors")


def judge_port_counters(
    entity: str, before: PortCounters | None, after: PortCounters | None, hours: float, limits: CommonThresholds
) -> tuple[Check, ...]:
    """One port over a load of so many hours; None where its counters could not be read."""
    rates: Mapping[str, tuple[Threshold, Verdict]] = {
        **{name: (limits.no_errors, Verdict.FAIL) for name in _FATAL},
        "symbol_error": (limits.symbol_errors_per_hour, Verdict.FAIL),
        "link_error_recovery": (limits.link_recoveries_per_hour, Verdict.WARN),
        "port_rcv_errors": (limits.receive_errors_per_hour, Verdict.WARN),
        "port_xmit_discards": (limits.discards_per_hour, Verdict.WARN),
    }
    return tuple(_counter(entity, name, before, after, hours, *rule) for name, rule in rates.items())


def _counter(
    entity: str,
    name: str,
    before: PortCounters | None,
    after: PortCounters | None,
    hours: float,
    limit: Threshold,
    miss: Verdict,
) -> Check:
    first, last = (None if c is None else c.counters.get(name) for c in (before, after))
    full = any(c is not None and name in c.saturated for c in (before, after))
    clear = f"clear the counter {name} and measure again" if full or _fell(first, last) else ""
    known = first is not None and last is not None and not clear and hours > 0
    grown = last - first if known and first is not None and last is not None else None
    # A few errors in a short load are no rate: the fatal ones count as they are, the others an hour.
    rate = None if grown is None else float(grown) if limit.value == 0 else grown / max(hours, 1.0)
    unit = "" if limit.value == 0 else "/h"
    want = Want(f"at most {show(limit.value, unit)}", limit.cited, Action.RE_CABLE, unit, miss=miss)
    found = judged(f"infiniband.counter.{name}", entity, rate, rate is not None and rate <= limit.value, want)
    if not clear:
        return found
    why = "has stopped at its highest value" if full else "is smaller than before"
    return found.model_copy(update={"message": f"{name} {why}, so what came since is unknown", "advice": clear})


def _fell(first: int | None, last: int | None) -> bool:
    return first is not None and last is not None and last < first
