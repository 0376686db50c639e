"""Status of a node: a cache of the fold that frontends and write-back read, kept by the lease holder."""

from datetime import datetime
from enum import StrEnum

from workflows.model.identity import IdentityChange
from workflows.model.keys import Cause, NodeKey
from workflows.model.record import Record


class NodeState(StrEnum):
    """What people see of a node."""

    IDLE = "idle"
    WOULD = "would"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    HELD = "held"
    FAILED = "failed"
    IN_SERVICE = "in-service"


class StepTiming(Record):
    """How long a step took and how often it was tried."""

    step: str
    seconds: float
    attempts: int = 1


class NodeStatus(Record):
    """One node now. ``accepted_run`` stays for good once a run has accepted the node: it was in service (law 4).

    ``since`` is when run, state or step last changed, ``step_since`` when the step first began.
    ``answered`` is the largest command sequence that a worker has considered for this node.
    ``campaign`` says for which campaign a node without a run waits, and how that stands.
    ``inventory`` is the SHA-256 of the newest hardware report that a run went on with, kept as evidence.
    ``identity`` is what the inventory should be told of the machine: what an open ``rma`` run got approved, or the blanks
    that a run which ended well can fill. ``follows`` is the workflow that has to prove the node again after such a run,
    until one has accepted it.
    ``software`` is what the accepting run proved to run, in words.
    ``deadline`` is when a wait becomes overdue, ``due_at`` when a worker looks again; both are server time.
    """

    node: NodeKey
    label: str = ""
    state: NodeState = NodeState.IDLE
    run: str = ""
    cause: Cause | None = None
    workflow: str = ""
    step: str = ""
    step_index: int = 0
    step_count: int = 0
    attempt: int = 0
    reason: str = ""
    next_action: str = ""
    campaign: str = ""
    digest: str = ""
    since: datetime | None = None
    step_since: datetime | None = None
    deadline: datetime | None = None
    due_at: datetime | None = None
    watch: str | None = None
    watch_seq: int = 0
    outcome: str = ""
    accepted_run: str = ""
    accepted_at: datetime | None = None
    accepted_generation: int = 0
    generation: int = 0
    answered: int = 0
    serial: str | None = None
    uuid: str | None = None
    timings: tuple[StepTiming, ...] = ()
    report: str = ""
    inventory: str = ""
    identity: tuple[IdentityChange, ...] = ()
    follows: str = ""

    @property
    def ended_badly(self) -> bool:
        """Whether its newest run ended so that retry makes another."""
        return self.outcome in ("failed", "cancelled", "denied")

    software: str = ""
