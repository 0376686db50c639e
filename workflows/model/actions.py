"""From a report to what happens next: one table, and the one function that reads it. Pure.

A fault of the configuration goes back to the roles once, because a second run of the same roles changes nothing more. A
fault of the hardware is never tried again by bringup: a sick part passes every now and then, and trying until it passes
is how silent corruption gets into service. A person repairs it and starts another run.
"""

from dataclasses import dataclass

from workflows.model.verdict import Action, BurnInReport, Check


@dataclass(frozen=True, slots=True)
class Rule:
    """What an action means. ``roles_once``: bringup runs the roles again, once, and judges again; else a person acts."""

    hardware: bool
    roles_once: bool
    words: str


RULES: dict[Action, Rule] = {
    Action.NONE: Rule(hardware=False, roles_once=False, words="nothing is to be done"),
    Action.COLLECT: Rule(
        hardware=False, roles_once=False, words="evidence is missing: mend what kept it from coming, then retry"
    ),
    Action.CORRECT: Rule(
        hardware=False, roles_once=False, words="the record asks for something else: correct it, then retry"
    ),
    Action.RECONFIGURE: Rule(
        hardware=False, roles_once=True, words="the roles run once more, then the node is judged again"
    ),
    Action.RESET_GPU: Rule(
        hardware=True, roles_once=False, words="reset the GPU with no job on it, note it, then start another burn-in"
    ),
    Action.REBOOT: Rule(hardware=True, roles_once=False, words="reboot the node, note it, then start another burn-in"),
    Action.SUBNET_MANAGER: Rule(
        hardware=False, roles_once=False, words="mend the subnet manager or its partitions, then retry"
    ),
    Action.RE_CABLE: Rule(
        hardware=True, roles_once=False, words="move or replace the cable as advised, then start another burn-in"
    ),
    Action.SERVICE: Rule(
        hardware=True, roles_once=False, words="have the part looked at, then start another burn-in of the whole node"
    ),
    Action.RMA: Rule(
        hardware=True, roles_once=False, words="replace the part: bringup evidence NODE --rma makes the bundle for it"
    ),
}
"""One row an action; actions stand in the order of their weight, the heaviest last."""

_WEIGHT = {action: place for place, action in enumerate(RULES)}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a report leads to: the heaviest action of its failures, and the checks that ask for it."""

    action: Action
    rule: Rule
    checks: tuple[Check, ...]

    @property
    def words(self) -> str:
        """The next step in one sentence, with the advice of the first check that has one."""
        advice = next((c.advice for c in self.checks if c.advice), "")
        return f"{self.action}: {self.rule.words}" + (f" ({advice})" if advice else "")


def decide(report: BurnInReport) -> Decision:
    """The heaviest action that the checks which keep the node out of service ask for.

    A failure that asks for nothing, and an empty report, ask for new evidence: nothing is accepted by silence.
    """
    if report.accepted:
        return Decision(Action.NONE, RULES[Action.NONE], ())
    asked = [(Action.COLLECT if c.action is Action.NONE else c.action, c) for c in report.failures]
    heaviest = max((action for action, _ in asked), key=_WEIGHT.__getitem__, default=Action.COLLECT)
    return Decision(heaviest, RULES[heaviest], tuple(c for action, c in asked if action is heaviest))
