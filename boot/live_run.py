"""Whether a run is open at exactly the steps in which its machine may be wiped (law 4).

Theory of operation. The worker opens a grant by a compare-and-set on the grant's own key, which no lease guards: a message
carries one guard only. So a worker that stood still past its lease may open a grant of a run that its successor has ended
meanwhile. The journal is guarded; the boot service folds it before it lets a machine have the grant. A run that ends after
that fold closes its grants itself, by compare-and-set, and one of the two wins.
"""

from http import HTTPStatus

from boot.answers import Denied
from boot.token import Claim
from workflows.engine.ports import Store
from workflows.model.journal import Entry, Phase, fold
from workflows.model.run import Run

#: From the step that opens the grant to the one that waits for the machine's report.
_FIRST, _LAST = "netboot", "deploy"
_LIVE = (Phase.READY, Phase.ACTING, Phase.WAITING)


async def require_live(store: Store, claim: Claim) -> None:
    """Return where the claim's run waits for its machine.

    Raises:
        Denied: there is no such run, it is parked or over, or it is at another step.
        Unreachable: the store gave no answer.
    """
    value = await store.get(f"run.{claim.node}.{claim.cause}")
    if value.data is None:
        raise _denied("there is no run for this grant")
    run = Run.decode(value.data)
    entries = await store.list(f"journal.{claim.node}.{claim.cause}.>")
    state = fold(run, [(Entry.decode(v.data), v.time) for v in entries if v.data is not None])
    if (state.beneath or state).phase not in _LIVE:  # held, a run gives what it gave before
        raise _denied(f"the run of this grant is {state.phase}")
    names = [step.name for step in run.steps]
    asked_for = {_FIRST, _LAST} <= set(names) and names.index(_FIRST) <= state.step <= names.index(_LAST)
    if not asked_for:
        raise _denied(f"the run of this grant waits for no machine now (step {state.step + 1} of {len(names)})")


def _denied(why: str) -> Denied:
    return Denied(HTTPStatus.GONE, "no-run", f"{why}; nothing was written, boot the local disk")
