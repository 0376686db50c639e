"""The raw bundle of one probe: what was run on the node, and what came out. Untrusted; parsed once, here."""

from pydantic import Field

from workflows.model.errors import BadInput
from workflows.model.record import Record

MAX_BUNDLE = 16 << 20
_NOT_FOUND = 127


class CommandRecord(Record):
    """One command. ``rc`` is None where it was killed at its deadline; ``seconds`` is wall time."""

    name: str = Field(max_length=500)
    argv: tuple[str, ...]
    rc: int | None
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    timed_out: bool = False
    truncated: bool = False

    @property
    def found(self) -> bool:
        """Whether the program exists on the node."""
        return self.rc != _NOT_FOUND

    @property
    def ended(self) -> bool:
        """Whether it ended by itself, however, and all of its output is here."""
        return self.rc is not None and self.found and not self.timed_out and not self.truncated

    @property
    def whole(self) -> bool:
        """Whether it ended by itself with exit status 0 and all of its output is here."""
        return self.rc == 0 and not self.timed_out and not self.truncated

    @property
    def trouble(self) -> str:
        """What became of it, in words, where it is not whole."""
        if self.timed_out or self.rc is None:
            return f"{self.argv[0]} did not end within its deadline"
        if self.truncated:
            return f"{self.argv[0]} printed more than is kept"
        said = " ".join((self.stderr or self.stdout).split())[:200]
        return f"{self.argv[0]} ended with {self.rc}: {said}"


class Bundle(Record):
    """All commands of one probe, in order. ``started`` is the node's clock, for display; ``error`` what stopped it."""

    probe: str
    started: float
    seconds: float
    timed_out: bool = False
    error: str = ""
    commands: tuple[CommandRecord, ...] = ()

    def command(self, name: str) -> CommandRecord | None:
        """The command of that name, None where the probe did not come to it."""
        return next((c for c in self.commands if c.name == name), None)


def read_bundle(probe: str, data: bytes) -> Bundle:
    """Parse a bundle.

    Raises:
        BadInput: too large, no bundle, or another probe's.
    """
    if len(data) > MAX_BUNDLE:
        raise BadInput(f"the bundle of probe {probe} has {len(data)} bytes, at most {MAX_BUNDLE} are read")
    bundle = Bundle.decode(data)
    if bundle.probe != probe:
        raise BadInput(f"the bundle of probe {probe} says that it is of {bundle.probe[:50]!r}")
    return bundle
