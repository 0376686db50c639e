"""The one place where a verdict is given: a value that is missing is UNKNOWN, whatever was wanted of it.

A number that is none (not a number, infinite) counts as missing. What a judge can't say at all is ``error``: the
evidence didn't come, and somebody must collect it again.
"""

import math
from dataclasses import dataclass

from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check, Verdict

type Value = str | float


@dataclass(frozen=True, slots=True)
class Want:
    """What is asked of a value: in words, by whom, and what a miss asks for.

    ``miss`` is WARN where a miss is only worth a look. ``advice``: what exactly to do about it.
    """

    expected: str
    source: str
    action: Action
    unit: str = ""
    advice: str = ""
    miss: Verdict = Verdict.FAIL


def judged(check: str, entity: str, measured: Value | None, good: bool, want: Want) -> Check:
    """The check of one value; ``good`` says nothing where the value is missing."""
    number = measured if isinstance(measured, int | float) else None
    if measured is None or measured == "" or (number is not None and not math.isfinite(number)):
        return Check(
            id=check,
            entity=entity,
            verdict=Verdict.UNKNOWN,
            expected=want.expected,
            source=want.source,
            unit=want.unit,
            message=f"no value was given; expected {want.expected}",
            action=Action.COLLECT,
            advice="find out why the value is missing: what isn't known is not accepted",
        )
    shown = show(measured, want.unit)
    return Check(
        id=check,
        entity=entity,
        verdict=Verdict.PASS if good else want.miss,
        measured=shown,
        value=number,
        unit=want.unit,
        expected=want.expected,
        source=want.source,
        message="" if good else f"is {shown}, expected {want.expected}",
        action=Action.NONE if good else want.action,
        advice="" if good else want.advice,
    )


def equal(
    check: str, entity: str, measured: Value | None, wanted: Value, source: str, action: Action, unit: str = ""
) -> Check:
    """Exactly this value."""
    return judged(check, entity, measured, measured == wanted, Want(show(wanted, unit), source, action, unit))


def at_least(
    check: str, entity: str, measured: float | None, floor: Threshold | None, action: Action, unit: str = ""
) -> Check:
    """A floor; without one (None) nothing can be said, however large the value."""
    if floor is None:
        return no_limit(check, entity, measured, unit)
    want = Want(f"at least {show(floor.value, unit)}", floor.cited, action, unit)
    return judged(check, entity, measured, measured is not None and measured >= floor.value, want)


def at_most(
    check: str,
    entity: str,
    measured: float | None,
    ceiling: Threshold,
    action: Action,
    unit: str = "",
    miss: Verdict = Verdict.FAIL,
) -> Check:
    """A ceiling."""
    want = Want(f"at most {show(ceiling.value, unit)}", ceiling.cited, action, unit, miss=miss)
    return judged(check, entity, measured, measured is not None and measured <= ceiling.value, want)


def no_limit(check: str, entity: str, measured: Value | None, unit: str = "") -> Check:
    """A value that nobody published a limit for: UNKNOWN, until the site gives one with its reason."""
    return Check(
        id=check,
        entity=entity,
        verdict=Verdict.UNKNOWN,
        measured="" if measured is None else show(measured, unit),
        value=measured if isinstance(measured, int | float) and math.isfinite(measured) else None,
        unit=unit,
        message="no threshold with a source is known for it",
        action=Action.CORRECT,
        advice="give this model a site threshold with its reason",
    )


def error(check: str, entity: str, message: str, evidence: str = "") -> Check:
    """Evidence that was required and did not come, or could not be read."""
    return Check(
        id=check, entity=entity, verdict=Verdict.ERROR, message=message, action=Action.COLLECT, evidence=evidence
    )


def show(value: Value, unit: str = "") -> str:
    """A value for people."""
    text = value if isinstance(value, str) else f"{value:.6g}"
    return f"{text} {unit}".strip()
