"""Members of a group by the floor and beside their sisters: what fails the floor fails, what is only slow is shown."""

from collections.abc import Mapping

from burn_in.judges.verdicts import at_least, at_most
from burn_in.statistics.outliers import Place, Standing, compare
from burn_in.thresholds.threshold import Threshold
from workflows.model.verdict import Action, Check, Verdict


def judge_sisters(
    check: str,
    values: Mapping[str, float | None],
    limit: Threshold | None,
    unit: str,
    action: Action,
    *,
    higher_is_better: bool = True,
) -> tuple[Check, ...]:
    """One check a member. A slow member that meets the limit is a WARN; too few members say *floor only*."""
    places = compare(values, higher_is_better=higher_is_better)
    return tuple(_judge(check, places[name], limit, unit, action, higher_is_better) for name in values)


def _judge(
    check: str, place: Place, limit: Threshold | None, unit: str, action: Action, higher_is_better: bool
) -> Check:
    if limit is None or higher_is_better:
        found = at_least(check, place.name, place.value, limit, action, unit)
    else:
        found = at_most(check, place.name, place.value, limit, action, unit)
    if place.standing is Standing.MISSING:
        return found
    if found.verdict is Verdict.PASS and place.standing is Standing.SLOW:
        return found.model_copy(
            update={
                "verdict": Verdict.WARN,
                "message": f"passes, but is {place.words}",
                "advice": "watch it: the slowest part sets the pace of every job",
            }
        )
    return found.model_copy(update={"message": f"{found.message}; {place.words}".removeprefix("; ")})
