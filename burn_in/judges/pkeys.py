"""Partition keys: all rails of a node belong to the same partitions. One that doesn't reaches half of the cluster only.

Source: Verda's validation of instant clusters (same P_Key on all ports).
"""

from collections import Counter
from collections.abc import Mapping

from burn_in.judges.verdicts import Want, judged
from workflows.model.verdict import Action, Check

_SOURCE = "docs.verda.com, cluster validation; the subnet manager's side"


def judge_pkeys(ports: Mapping[str, frozenset[int] | None]) -> tuple[Check, ...]:
    """One check a port, against what most of the rails have, and of equals the larger set; None: it could not be read."""
    known = Counter(keys for keys in ports.values() if keys)
    usual = max(known, key=lambda keys: (known[keys], len(keys)), default=frozenset[int]())
    want = Want(f"as the other rails: {_show(usual)}", _SOURCE, Action.SUBNET_MANAGER, advice=f"give it {_show(usual)}")
    return tuple(
        judged("infiniband.pkeys", port, None if keys is None else _show(keys), bool(keys) and keys == usual, want)
        for port, keys in ports.items()
    )


def _show(keys: frozenset[int]) -> str:
    return ", ".join(f"0x{key:04x}" for key in sorted(keys)) or "none"
