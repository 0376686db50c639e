"""What a worker lives through, told as it happens to whoever counts it. Nothing that an observer does reaches the work."""

from typing import Protocol

from workflows.model.journal import Entry, Fold
from workflows.model.keys import NodeKey
from workflows.model.run import Run


class Observer(Protocol):
    """Called in the middle of the work, so each call returns at once and raises nothing."""

    def appended(self, run: Run, entry: Entry, state: Fold) -> None:
        """An entry stands in the journal; ``state`` is the fold with it."""

    def failed(self, run: Run, step: str, error: Exception) -> None:
        """A step ended with an error, before it is sorted into *again*, *failed* or *parked*."""

    def fenced(self, node: NodeKey) -> None:
        """The lease, or a BMC's session, was lost in mid-work."""


class Unobserved:
    """Nobody counts."""

    def appended(self, run: Run, entry: Entry, state: Fold) -> None:
        """Nothing."""

    def failed(self, run: Run, step: str, error: Exception) -> None:
        """Nothing."""

    def fenced(self, node: NodeKey) -> None:
        """Nothing."""
