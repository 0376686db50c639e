"""Xids and SXids since this boot: what the driver reported of each GPU and NVSwitch while it should have had no reason to.

A kernel log holds this boot only, so a fault from before the last repair accuses nobody. One that was read whole and
holds none is a pass; a log that could not be read is not read here at all.
"""

import re
from collections import Counter

from burn_in.readers.xid import Xid, XidLog
from burn_in.thresholds.xid_policy import XidGroup, XidPolicy
from workflows.model.verdict import Action, Check, Verdict

_RECOVERY = (
    ("reboot", Action.REBOOT),
    ("reset", Action.RESET_GPU),
    ("drain", Action.RESET_GPU),
)
_TO_NONE = re.compile(r"\bto \S*\s*\(?none\)?\s*$", re.IGNORECASE)
_NON_FATAL = re.compile(r"\bnon-fatal\b", re.IGNORECASE)


def judge_xids(log: XidLog, policy: XidPolicy) -> tuple[Check, ...]:
    """One check a code and GPU, or one that says that there is none."""
    if not log.xids and not log.sxids:
        return (
            Check(
                id="gpu.xid",
                verdict=Verdict.PASS,
                measured=f"none in {log.lines} lines of the kernel log",
                expected="none since this boot",
                source=policy.source,
            ),
        )
    gpus = Counter((x.address, x.code) for x in log.xids)
    last = {(x.address, x.code): x for x in log.xids}
    switches = Counter((x.address, x.code) for x in log.sxids)
    last_switch = {(x.address, x.code): x for x in log.sxids}
    return (
        *(_xid(last[key], count, policy) for key, count in sorted(gpus.items())),
        *(_sxid(last_switch[key], count) for key, count in sorted(switches.items())),
    )


def _xid(xid: Xid, count: int, policy: XidPolicy) -> Check:
    group = policy.group(xid.code)
    verdict, action, words = _meaning(xid, group)
    return Check(
        id="gpu.xid",
        entity=xid.address,
        verdict=verdict,
        measured=f"Xid {xid.code}, {count} times: {xid.text}"[:300],
        expected="none since this boot",
        source=f"{policy.source}; {group.decided}" if group and group.decided else policy.source,
        message=f"Xid {xid.code}: {words}",
        action=action,
    )


def _meaning(xid: Xid, group: XidGroup | None) -> tuple[Verdict, Action, str]:
    if group is None:
        return Verdict.FAIL, Action.SERVICE, "no table knows this code, so it is a fault"
    if group.name == "xid-154":
        if _TO_NONE.search(xid.text):
            return Verdict.WARN, Action.NONE, "the driver has withdrawn its recovery action"
        wanted = next((action for word, action in _RECOVERY if word in xid.text.lower()), group.action)
        return group.verdict, wanted, group.words
    return group.verdict, group.action, group.words


def _sxid(sxid: Xid, count: int) -> Check:
    """Fabric Manager's guide: the driver itself says *Fatal* or *Non-fatal*; what says neither is taken as fatal."""
    mild = _NON_FATAL.search(sxid.text) is not None
    return Check(
        id="nvswitch.sxid",
        entity=sxid.address,
        verdict=Verdict.WARN if mild else Verdict.FAIL,
        measured=f"SXid {sxid.code}, {count} times: {sxid.text}"[:300],
        expected="none since this boot",
        source="NVIDIA Fabric Manager user guide, SXid errors",
        message=f"SXid {sxid.code}: {'not fatal by its own words' if mild else 'an NVSwitch error'}",
        action=Action.NONE if mild else Action.SERVICE,
    )
