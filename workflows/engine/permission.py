"""The question right before a destructive step: does the inventory still ask for exactly this? Pure."""

from dataclasses import dataclass
from enum import StrEnum

from workflows.model.desired import Desired, Intent
from workflows.model.run import Run


class Verdict(StrEnum):
    """What a refusal leads to: a person decides, a newer wish takes over, or the inventory is asked again."""

    FORBIDDEN = "forbidden"
    SUPERSEDED = "superseded"
    ASK_AGAIN = "ask-again"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the wipe may not go on now, and what happens instead."""

    reason: str
    next_action: str = "clear it in the inventory, then retry or cancel"
    verdict: Verdict = Verdict.FORBIDDEN


def permission(run: Run, now: Desired | None) -> Refusal | None:
    """None where the wipe may go on."""
    then, label = run.desired, run.desired.label
    if now is None:
        return Refusal(f"{label} is gone from the inventory; nothing was wiped")
    if now.protected:
        return Refusal(f"{label} is tagged bringup-protected now; nothing was wiped")
    if now.intent is not Intent.SERVE:
        return Refusal(f"{label} has the status {now.status} now, which asks for no install; nothing was wiped")
    if now.problems:
        return Refusal(f"{label}: {now.problems[0]}; nothing was wiped")
    if (now.serial, now.bmc) != (then.serial, then.bmc) or now.boot_macs() != then.boot_macs():
        return Refusal(f"{label} has another serial, BMC or MAC in the inventory than when the run began")
    if run.cause.startswith("g") and now.status != then.status:
        return Refusal(f"{label} has the status {now.status} now, {then.status} began this run; nothing was wiped")
    if run.cause.startswith("g") and not then.same_wish(now):
        return Refusal(f"the wish for {label} changed since the run began", verdict=Verdict.SUPERSEDED)
    return None
