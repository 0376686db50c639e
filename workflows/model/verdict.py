"""Verdicts and the burn-in report: what was measured, against what, from which evidence, and what to do about it."""

from enum import StrEnum

from workflows.model.record import Record


class Verdict(StrEnum):
    """Only PASS, or a WARN that the profile permits, accepts a node (law 10: fail closed)."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    SKIP = "skip"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What a verdict asks for, from the least to the most; what follows from each is `burn_in/actions.py`'s table."""

    NONE = "none"
    COLLECT = "collect again"
    CORRECT = "correct the record"
    RECONFIGURE = "reconfigure"
    RESET_GPU = "reset GPU"
    REBOOT = "reboot"
    SUBNET_MANAGER = "subnet manager"
    RE_CABLE = "re-cable"
    SERVICE = "service"
    RMA = "RMA"


class Check(Record):
    """One judged check. ``entity``: the part (GPU UUID, HCA GUID, mount); ``evidence``: SHA-256 of the raw output.

    ``measured`` is for people; ``value`` is the same as a number in ``unit``, where it is one (maps and statistics read
    it). ``advice`` says what exactly to do: which cable to which port, which part by its slot.
    """

    id: str
    entity: str = ""
    verdict: Verdict
    measured: str = ""
    expected: str = ""
    source: str = ""
    message: str = ""
    action: Action = Action.NONE
    advice: str = ""
    value: float | None = None
    unit: str = ""
    evidence: str = ""


class BurnInReport(Record):
    """All checks of one burn-in. Empty never accepts."""

    level: str
    checks: tuple[Check, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether every check that was required passed; SKIP, ERROR, UNKNOWN and an empty report never accept."""
        return bool(self.checks) and all(c.verdict in (Verdict.PASS, Verdict.WARN) for c in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that keep the node out of service."""
        return tuple(c for c in self.checks if c.verdict not in (Verdict.PASS, Verdict.WARN))
