"""What the page shows of one node in the fleet: one small object. Empty values are left out; times are ISO 8601 UTC."""

from datetime import datetime

from frontends.read_model import NodeView, awaits, overdue
from workflows.engine.standing import FITS, of_status
from workflows.model.command import Verb
from workflows.model.record import Json
from workflows.model.status import NodeState

_OPEN = (NodeState.RUNNING, NodeState.WAITING, NodeState.PARKED, NodeState.HELD)


#: The order of the buttons: what is most likely meant first. A node that was in service is re-imaged, another provisioned.
_FIRST = (
    Verb.APPROVE, Verb.DENY, Verb.RETRY, Verb.UNHOLD, Verb.CANCEL, Verb.HOLD, Verb.PROVISION, Verb.REIMAGE, Verb.ADOPT,
)  # fmt: skip
_OF_NEW, _OF_OLD = (Verb.PROVISION, Verb.ADOPT), (Verb.REIMAGE, Verb.RMA)


def verbs_of(view: NodeView) -> list[Verb]:
    """The verbs that fit how the node stands, as the command consumer has them; none where its record is wrong."""
    if view.blocked:
        return []
    fits = FITS[of_status(view.status)]
    senseless = _OF_NEW if view.status.accepted_run else _OF_OLD
    return sorted(
        (v for v in fits if v not in senseless), key=lambda v: _FIRST.index(v) if v in _FIRST else len(_FIRST)
    )


def row(view: NodeView, now: datetime) -> dict[str, Json]:
    """The node's row. ``left``, ``least``, ``most``: seconds until the run's end as of now, usually and in range."""
    wish, status, progress = view.desired, view.status, view.progress(now)
    opened = status.state in _OPEN
    least, most = progress.between or (None, None)
    why = awaits(view)
    full: dict[str, Json] = {
        "id": wish.node,
        "name": wish.label,
        "rack": wish.rack,
        "u": wish.position,
        "state": status.state.value,
        "workflow": status.workflow if opened or status.state is NodeState.WOULD else "",
        "step": status.step,
        "index": status.step_index if opened else 0,
        "count": status.step_count if opened else 0,
        "attempt": status.attempt if opened and status.attempt > 1 else 0,
        "since": _time(status.since),
        "stepSince": _time(status.step_since) if opened else None,
        "deadline": _time(status.deadline) if opened else None,
        "overdue": overdue(status, now),
        "awaits": why.value if why is not None else None,
        "why": view.why,
        "next": view.next_action,
        "verbs": [v.value for v in verbs_of(view)],
        "usual": progress.expected.step.total_seconds() if progress.expected else None,
        "left": progress.left.total_seconds() if progress.left is not None else None,
        "least": least.total_seconds() if least is not None else None,
        "most": most.total_seconds() if most is not None else None,
        "late": progress.unheard_of,
        "at": _time(now) if progress.left is not None else None,
        "sku": wish.profile.sku.name if wish.profile else "",
        "release": wish.profile.release.name if wish.profile else "",
        "accepted": bool(status.accepted_run),
    }
    return {name: value for name, value in full.items() if value not in (None, "", False, 0, []) or name in ("u",)}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment is not None else None
