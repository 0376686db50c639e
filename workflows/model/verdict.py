"""Verdicts and the burn-in report: what was measured, against what, from which evidence, and what to do about it."""

from enum import StrEnum

from pydantic import Field

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
    """What a verdict asks for, from the least to the most; what follows: `workflows/model/actions.py`."""

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


class Part(Record):
    """A part as people find it: ``name`` as they call it (``GPU 7``, ``ib0``), its ``place`` (PCI address, cable), serial.

    ``aliases``: how tools call it in checks (UUID, address, number); a check's ``entity`` is one of them.
    """

    name: str
    place: str = ""
    serial: str = ""
    aliases: tuple[str, ...] = ()


class Span(Record):
    """What took how long on the node, for the timeline. Seconds; ``started`` by the node's clock, ``late``: killed."""

    name: str
    started: float
    seconds: float
    late: bool = False


class BurnInReport(Record):
    """All checks of one burn-in. Empty never accepts.

    ``overrides``: a sentence for each threshold that the site set itself; ``versions``: of what was judged, by name;
    ``parts``: whom the checks are of.
    """

    level: str
    checks: tuple[Check, ...] = ()
    timeline: tuple[Span, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def part(self, entity: str) -> Part | None:
        """The part that a check's entity means; None where it is no known one (a mount, a test as a whole)."""
        return next((p for p in self.parts if entity and (entity == p.name or entity in p.aliases)), None)

    @property
    def accepted(self) -> bool:
        """Whether every check that was required passed; SKIP, ERROR, UNKNOWN and an empty report never accept."""
        return bool(self.checks) and all(c.verdict in (Verdict.PASS, Verdict.WARN) for c in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that keep the node out of service."""
        return tuple(c for c in self.checks if c.verdict not in (Verdict.PASS, Verdict.WARN))
