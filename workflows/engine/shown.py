"""What people are shown of a node: its status as a pure function of run, fold and what was known before.

The stored ``status.<node>`` is only a cache of this: a worker that dies between a journal entry and the status loses
nothing, because every look computes it again. That a node was accepted, above all, follows from its journal.
"""

from workflows.model.identity import IdentityChange
from workflows.model.journal import Entry, Fold, Kind, Outcome, Phase, ended_gently
from workflows.model.record import Json
from workflows.model.run import Run
from workflows.model.status import NodeState, NodeStatus, StepTiming

_STATE = {
    Phase.READY: NodeState.RUNNING,
    Phase.ACTING: NodeState.RUNNING,
    Phase.WAITING: NodeState.WAITING,
    Phase.PARKED: NodeState.PARKED,
    Phase.HELD: NodeState.HELD,
    Phase.ENDING: NodeState.RUNNING,
    Phase.SETTLED: NodeState.RUNNING,
}
_OVER = (Phase.ENDING, Phase.SETTLED, Phase.FINISHED)
_AFTER_FAILURE = "mend what failed, then retry"
_NOTHING_SAID = Entry(kind=Kind.CLAIMED, token=0, worker="")


def shown(run: Run, state: Fold, before: NodeStatus) -> NodeStatus:
    """The status of a node whose newest run stands like this. Idempotent: shown twice, it is the same."""
    succeeded = state.phase is Phase.FINISHED and state.outcome is Outcome.SUCCEEDED
    accepted = succeeded and run.has("register")
    if accepted:
        report, software = state.result("burn_in"), state.result("verify_software")
        before = before.model_copy(
            update={
                "accepted_run": run.id,
                "accepted_at": state.last_at,
                "accepted_generation": run.desired.generation,
                "report": str(report.get("report", "")) if isinstance(report, dict) else "",
                "software": str(software.get("software", "")) if isinstance(software, dict) else "",
            }
        )
    inspected, compared = _fields(state.result("inspect")), _fields(state.result("compare"))
    unproven = str(compared.get("follows", "")) if succeeded else ""
    follows = "" if accepted else unproven or before.follows
    learned = compared.get("changes") if not succeeded else inspected.get("blanks")
    node_state = _node_state(run, state, before, follows)
    last = state.last or _NOTHING_SAID
    finished = state.phase is Phase.FINISHED
    step = "" if finished else "settle" if state.phase in _OVER else run.steps[state.step].name
    same = (before.run, before.state, before.step) == (run.id, node_state, step)
    return before.model_copy(
        update={
            "label": run.desired.label,
            "state": node_state,
            "run": run.id,
            "cause": run.cause,
            "workflow": run.workflow,
            "step": step,
            "step_index": state.step,
            "step_count": len(run.steps),
            "attempt": state.attempt,
            "reason": last.reason or state.reason,
            "next_action": last.next_action or (_AFTER_FAILURE if node_state is NodeState.FAILED else ""),
            "campaign": "",
            "digest": state.question,
            "since": before.since if same else state.last_at,
            "step_since": state.first_intent_at if not finished else None,
            "deadline": last.deadline,
            "due_at": last.due_at,
            "watch": last.watch,
            "watch_seq": last.watch_seq,
            "outcome": state.outcome.value if state.outcome and finished else "",
            "generation": max(before.generation, run.desired.generation),
            "serial": run.desired.serial,
            "uuid": run.desired.uuid,
            "inventory": str(inspected.get("inventory") or compared.get("inventory") or before.inventory),
            "identity": tuple(IdentityChange.model_validate(c) for c in learned) if isinstance(learned, list) else (),
            "follows": follows,
            "timings": tuple(
                StepTiming(step=t.step, seconds=round(t.seconds, 3), attempts=t.attempts) for t in state.timings
            ),
        }
    )


def resumed_from(stored: NodeStatus, run: Run | None, state: Fold) -> NodeStatus:
    """The truth behind a stored status: computed from the newest run, where the cache lags behind its journal."""
    if run is None:
        return stored
    finished_and_known = stored.run == run.id and stored.outcome and state.phase is Phase.FINISHED
    return stored if finished_and_known else shown(run, state, stored)


def _fields(result: Json) -> dict[str, Json]:
    return result if isinstance(result, dict) else {}


def _node_state(run: Run, state: Fold, before: NodeStatus, follows: str) -> NodeState:
    """A run that ended well, or gently, leaves the node as it was before; others leave it failed.

    So does every run until one accepts a machine that has to be proven again.
    """
    if state.phase is not Phase.FINISHED:
        return _STATE[state.phase]
    if follows:
        return NodeState.FAILED
    if state.outcome is Outcome.SUCCEEDED or ended_gently(run, state):
        return NodeState.IN_SERVICE if before.accepted_run else NodeState.IDLE
    return NodeState.FAILED
