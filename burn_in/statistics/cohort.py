"""Nodes of one sku beside each other, from their kept reports: the slow ones, and floors that the accepted ones support."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from burn_in.statistics.outliers import FEWEST, Place, compare
from workflows.model.verdict import BurnInReport, Verdict

_FLOOR_SHARE = 0.95
"""A proposed floor is this share of the slowest accepted part: SuperBench calls 5 % below its baseline defective."""


LIMITS = {
    "nvlink.speed": "nvlink_link_gbs",
    "nvbandwidth.host_to_device": "host_to_device_gbs",
    "nvbandwidth.device_to_host": "device_to_host_gbs",
    "nvbandwidth.peer": "peer_gbs",
    "nccl.node.bandwidth": "nccl_all_reduce_gbs",
}
"""The measured checks, and the limit of a GPU model that each is judged by."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A floor that accepted nodes support. ``slowest`` and ``middle`` are over all parts of all of them.

    ``limit`` is the name that a site's thresholds file gives it.
    """

    check: str
    limit: str
    unit: str
    floor: float
    slowest: float
    middle: float
    nodes: int
    parts: int


def compare_nodes(reports: Mapping[str, BurnInReport], check: str) -> dict[str, Place]:
    """Each node's slowest part in one check, beside the other nodes'."""
    return compare({node: min(values) if (values := _values(r, check)) else None for node, r in reports.items()})


def propose(reports: Mapping[str, BurnInReport]) -> tuple[Proposal, ...]:
    """Floors of one GPU model for what its nodes measured, from accepted ones only; none from fewer than five nodes."""
    accepted = [r for r in reports.values() if r.accepted]
    units = {c.id: c.unit for r in accepted for c in r.checks}
    found = []
    for check, limit in LIMITS.items():
        nodes = [values for r in accepted if (values := _values(r, check))]
        if len(nodes) < FEWEST:
            continue
        parts = [value for values in nodes for value in values]
        slowest = min(parts)
        floor = _FLOOR_SHARE * slowest
        found.append(Proposal(check, limit, units[check], floor, slowest, median(parts), len(nodes), len(parts)))
    return tuple(found)


def _values(report: BurnInReport, check: str) -> list[float]:
    judged = (c for c in report.checks if c.id == check and c.verdict is not Verdict.ERROR)
    return [c.value for c in judged if c.value is not None]
