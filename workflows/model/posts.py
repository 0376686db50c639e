"""POSTs of a run: how often its machine went through its firmware. From the journal alone, so it is never a guess.

A POST of a GPU server takes 3 to 30 minutes, so they are what a run's time is made of. Counted are the power-ons that we
asked for and saw, and the reboot that the agent reported because it could not go on by kexec. What a step that was tried
again had switched on before it failed stands nowhere: the count is what is known, and never more than what was.
"""

from workflows.model.grant import NextBoot
from workflows.model.journal import Fold
from workflows.model.record import Json


def posts(state: Fold) -> tuple[str, ...]:
    """One word for each POST so far, in order."""
    results = dict(state.results)
    found = ["boot with the baseline"] if "apply_on" in results and results["apply_on"] is None else []
    found += ["network boot"] if "power_on" in results else []
    deployed, opened = _fields(results.get("deploy")), _fields(results.get("netboot"))
    if deployed:
        again = int(str(deployed["attempt"])) - int(str(opened.get("attempt", deployed["attempt"])))
        found += ["network boot again"] * again
        if deployed.get("next") != NextBoot.KEXEC:
            found.append("first boot from disk")
    if "reboot" in results:
        found.append("proof boot")
    return tuple(found)


def after_install(state: Fold) -> str:
    """How the machine went on after its install and why, in a few words; nothing before it reported."""
    deployed = _fields(state.result("deploy"))
    return f"{deployed['next']} ({deployed.get('next_reason')})" if "next" in deployed else ""


def _fields(result: Json) -> dict[str, Json]:
    return result if isinstance(result, dict) else {}
