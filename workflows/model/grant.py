"""Wipe grant: permission for one wipe of named disks of one identified machine, once.

Theory of operation. The grant is one key, ``grant.<node>.<cause>.<attempt>``; every change is a compare-and-set on it::

    open ──(boot service: the machine showed who it is)──▶ taken ──(boot service: its report)──▶ reported
      └────(worker: cancel, deadline, second claimant)───▶ closed

``taken`` never returns to ``open`` and is never closed by a worker: from then on a machine may be writing its disk, and
only its report, or a person, ends that. The machine's agent writes only after ``taken`` was acknowledged by the store.
A wipe outside a grant is what the word *double wipe* means.
"""

from datetime import datetime
from enum import StrEnum

from workflows.model.errors import BadInput
from workflows.model.keys import Cause, NodeKey
from workflows.model.profile import DiskHint, Image
from workflows.model.record import Record


class GrantState(StrEnum):
    """The four states of a grant."""

    OPEN = "open"
    TAKEN = "taken"
    REPORTED = "reported"
    CLOSED = "closed"


LEGAL: dict[GrantState, frozenset[GrantState]] = {
    GrantState.OPEN: frozenset({GrantState.TAKEN, GrantState.CLOSED}),
    GrantState.TAKEN: frozenset({GrantState.REPORTED}),
    GrantState.REPORTED: frozenset(),
    GrantState.CLOSED: frozenset(),
}


def grant_name(node: NodeKey, cause: Cause, attempt: int) -> str:
    """What a grant is called, in its key and in ``/etc/bringup/grant`` of the system that it wrote."""
    return f"{node}.{cause}.{attempt}"


class Disk(Record):
    """One disk as the machine sees it. ``id`` is its WWN, else its serial: never a device name."""

    id: str
    device: str
    size: int
    model: str = ""
    serial: str = ""
    wwn: str = ""
    transport: str = ""

    def matches(self, hint: DiskHint) -> bool:
        """Whether every given field of the hint holds for this disk."""
        return (
            (hint.model is None or hint.model == self.model)
            and (hint.serial is None or hint.serial == self.serial)
            and (hint.wwn is None or hint.wwn.lower() == self.wwn.lower())
            and (hint.min_bytes is None or self.size >= hint.min_bytes)
            and (hint.max_bytes is None or self.size <= hint.max_bytes)
            and (hint.transport is None or hint.transport == self.transport)
        )


class Machine(Record):
    """Who the booted machine says it is. ``nonce`` is new at each boot of the agent; ``address`` its own."""

    serial: str
    uuid: str
    macs: tuple[str, ...]
    disks: tuple[Disk, ...] = ()
    nonce: str
    address: str = ""
    firmware: str = ""


class NextBoot(StrEnum):
    """How a machine goes on after its report: straight into the installed kernel, or through its firmware (one POST)."""

    KEXEC = "kexec"
    FIRMWARE = "firmware"


class Report(Record):
    """What the machine says after its work. ``host_key`` is the new system's SSH public key, made for this grant."""

    ok: bool
    message: str = ""
    bytes_written: int = 0
    raw_sha256: str = ""
    root_uuid: str = ""
    host_key: str = ""
    writes_on_disk: int = 0
    next: NextBoot = NextBoot.FIRMWARE
    next_reason: str = ""


class Refusal(Record):
    """A machine that asked with this grant's token and was refused: which event, what it was told, and from where."""

    event: str
    message: str
    address: str
    at: datetime


class Grant(Record):
    """The record. ``serial`` and ``uuid`` are of the one machine that may take it; ``disk`` is set when taken.

    ``refusals`` counts the machines that were refused, ``refused`` is the last of them. They change no state: the run's
    steps read them and ask a person, for only a person can tell which of two claimants is ours.
    """

    node: NodeKey
    cause: Cause
    attempt: int
    state: GrantState
    serial: str
    uuid: str | None
    macs: tuple[str, ...]
    hint: DiskHint
    image: Image
    deadline: datetime
    machine: Machine | None = None
    disk: Disk | None = None
    report: Report | None = None
    reason: str = ""
    refusals: int = 0
    refused: Refusal | None = None

    def to(self, state: GrantState, **changes: object) -> "Grant":
        """The grant in its next state.

        Raises:
            BadInput: the table has no such transition.
        """
        if state not in LEGAL[self.state]:
            raise BadInput(f"grant of {self.node} {self.cause}.{self.attempt} can't go from {self.state} to {state}")
        return Grant.model_validate(self.model_dump() | {"state": state} | changes)

    def noting(self, refusal: Refusal) -> "Grant":
        """The grant in its own state, with one more refusal."""
        return self.model_copy(update={"refusals": self.refusals + 1, "refused": refusal})
