"""The policy for Xids, from its data file: which verdict and which action each code gives."""

from pathlib import Path

from pydantic import Field

from burn_in.thresholds.threshold import Day, Words, parse, read_yaml
from workflows.model.errors import BadInput
from workflows.model.record import Record
from workflows.model.verdict import Action, Verdict

_SHIPPED = Path(__file__).parent / "xid.yaml"


class XidGroup(Record):
    """Codes that mean the same. ``catalogue``: NVIDIA's immediate action; ``decided``: why it is not simply followed."""

    name: str
    catalogue: str
    verdict: Verdict
    action: Action
    words: Words
    codes: tuple[int, ...] = Field(min_length=1)
    decided: str = ""


class XidPolicy(Record):
    """All groups; no code stands in two."""

    source: Words
    date: Day
    groups: tuple[XidGroup, ...]

    def group(self, code: int) -> XidGroup | None:
        """The group of a code; None: nobody knows it, which is a fault."""
        return next((g for g in self.groups if code in g.codes), None)


def load_xid_policy(path: Path = _SHIPPED) -> XidPolicy:
    """The policy of a file.

    Raises:
        BadInput: the file is wrong, a code stands in two groups, or a group passes in silence.
    """
    policy = parse(XidPolicy, read_yaml(path), path.name)
    codes = [code for group in policy.groups for code in group.codes]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise BadInput(f"{path.name}: codes in two groups: {', '.join(map(str, twice))}")
    if silent := [g.name for g in policy.groups if g.verdict not in (Verdict.WARN, Verdict.FAIL)]:
        raise BadInput(f"{path.name}: {', '.join(silent)}: a code is a warning or a failure")
    return policy
