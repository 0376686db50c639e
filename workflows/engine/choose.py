"""``choose_workflow``: the one pure table that picks a workflow, and the only place that does.

Only the start status on a node that was never in service, or a command, opens a destructive run. Any other difference on
an accepted node is drift: shown, never acted on (law 4).
"""

from dataclasses import dataclass
from enum import StrEnum

from workflows.model.command import VERBS, Ask, Verb
from workflows.model.desired import Desired, Intent
from workflows.model.keys import Cause, cause_of_command, cause_of_generation
from workflows.model.run import Run
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeStatus


class Choice(StrEnum):
    """What a look at a node without an open run comes to."""

    START = "start"
    WOULD = "would"
    DRIFT = "drift"
    NOTHING = "nothing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The row that held, in words; ``workflow`` and ``cause`` where something starts or would."""

    choice: Choice
    reason: str
    workflow: str = ""
    cause: Cause | None = None
    ask: Ask | None = None
    approval: bool = False


def choose_workflow(
    desired: Desired, status: NodeStatus, settings: SiteSettings, newest: Run | None, ask: Ask | None
) -> Chosen:
    """Pick. ``newest`` is the node's newest run (finished), ``ask`` an unanswered start request."""
    if ask is not None:
        return _asked(desired, status, settings, newest, ask)
    if desired.intent is Intent.NOT_OURS:
        return Chosen(Choice.NOTHING, "its status says that it is not bringup's")
    accepted = bool(status.accepted_run)
    if desired.intent is Intent.RETIRED:
        return Chosen(
            Choice.DRIFT if accepted else Choice.NOTHING, "retired in the inventory; wiping it needs a command"
        )
    if accepted:
        if desired.generation > status.accepted_generation:
            return Chosen(Choice.DRIFT, "the inventory changed since it was accepted; a command decides what to do")
        return Chosen(Choice.NOTHING, "in service")
    if desired.status != settings.start_status:
        return Chosen(Choice.NOTHING, f"not {settings.start_status}; adopt it, or set {settings.start_status}")
    cause = cause_of_generation(desired.generation)
    if newest is not None and desired.generation <= newest.desired.generation:
        return Chosen(Choice.NOTHING, "this wish has had its run; retry starts another")
    if desired.problems:
        return Chosen(Choice.NOTHING, desired.problems[0])
    if desired.protected:
        return Chosen(Choice.NOTHING, "it is tagged bringup-protected")
    mode = settings.mode_of(desired.rack)
    if mode is Mode.OBSERVE:
        return Chosen(Choice.WOULD, "the mode is observe: nothing is touched", "provision", cause)
    return Chosen(
        Choice.START, f"{desired.status} in the inventory", "provision", cause, approval=mode is Mode.SUPERVISED
    )


def _asked(desired: Desired, status: NodeStatus, settings: SiteSettings, newest: Run | None, ask: Ask) -> Chosen:
    rule = VERBS[ask.verb]
    cause = cause_of_command(ask.sequence)
    if newest is not None and newest.cause.startswith("c") and int(newest.cause[1:]) >= ask.sequence:
        return Chosen(Choice.REFUSED, f"run {newest.cause} is already newer than this command", ask=ask)
    workflow = rule.starts
    if ask.verb is Verb.RETRY:
        if status.outcome not in ("failed", "cancelled", "denied") or not status.workflow:
            return Chosen(Choice.REFUSED, "its newest run did not fail: there is nothing to retry", ask=ask)
        workflow = status.workflow
    assert workflow is not None
    if desired.problems:
        return Chosen(Choice.REFUSED, desired.problems[0], ask=ask)
    if desired.intent is not Intent.SERVE:
        return Chosen(Choice.REFUSED, f"its status {desired.status} is not one that bringup serves", ask=ask)
    if workflow == "adopt":
        return Chosen(Choice.START, ask.reason, workflow, cause, ask)
    if desired.protected:
        return Chosen(Choice.REFUSED, "it is tagged bringup-protected: take the tag off first", ask=ask)
    accepted = bool(status.accepted_run) or desired.status != settings.start_status
    if workflow == "provision" and accepted:
        return Chosen(Choice.REFUSED, "it was in service: ask for reimage, which waits for approval", ask=ask)
    mode = settings.mode_of(desired.rack)
    if mode is Mode.OBSERVE:
        return Chosen(Choice.REFUSED, f"the mode is observe: {workflow} would run; set another mode first", ask=ask)
    approval = accepted or workflow == "reimage" or mode is Mode.SUPERVISED
    return Chosen(Choice.START, ask.reason, workflow, cause, ask, approval)
