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


class Check(Record):
    """One judged check. ``entity``: the part (GPU UUID, HCA GUID, mount); ``evidence``: SHA-256 of the raw output."""

    id: str
    entity: str = ""
    verdict: Verdict
    measured: str = ""
    expected: str = ""
    source: str = ""
    message: str = ""
    action: str = "none"
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
