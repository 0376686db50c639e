"""From verdicts to what happens next: the heaviest fault decides, and hardware is never tried until it passes."""

import pytest

from workflows.model.actions import RULES, decide
from workflows.model.verdict import Action, BurnInReport, Check, Verdict

pytestmark = pytest.mark.fast


def _report(*found: tuple[Verdict, Action]) -> BurnInReport:
    checks = tuple(Check(id=f"c{n}", verdict=v, action=a, advice=f"do {n}") for n, (v, a) in enumerate(found))
    return BurnInReport(level="gate", checks=checks)


def test_every_action_has_one_row_in_the_order_of_its_weight() -> None:
    """A new action without a row would have no meaning."""
    assert list(RULES) == list(Action)


def test_only_configuration_goes_back_to_the_roles_and_no_hardware_does() -> None:
    """The table itself: what bringup does again by itself is one row, and it is no hardware's."""
    assert [a for a, rule in RULES.items() if rule.roles_once] == [Action.RECONFIGURE]
    assert {a for a, rule in RULES.items() if rule.hardware} == {
        Action.RESET_GPU,
        Action.REBOOT,
        Action.RE_CABLE,
        Action.SERVICE,
        Action.RMA,
    }


def test_one_hardware_fault_among_configuration_faults_is_not_tried_again() -> None:
    """Three faults that the roles could mend, and one GPU that is to be replaced."""
    decision = decide(_report(*[(Verdict.FAIL, Action.RECONFIGURE)] * 3, (Verdict.FAIL, Action.RMA)))
    assert (decision.action, decision.rule.roles_once) == (Action.RMA, False)
    assert "do 3" in decision.words


def test_configuration_alone_goes_back_to_the_roles() -> None:
    """With what is only missing beside it."""
    assert decide(_report((Verdict.FAIL, Action.RECONFIGURE), (Verdict.ERROR, Action.COLLECT))).rule.roles_once


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR, Verdict.SKIP, Verdict.UNKNOWN])
def test_a_failure_that_asks_for_nothing_asks_for_evidence(verdict: Verdict) -> None:
    """Silence is no acceptance, and neither is an empty report."""
    assert decide(_report((Verdict.PASS, Action.NONE), (verdict, Action.NONE))).action is Action.COLLECT
    assert decide(_report()).action is Action.COLLECT


def test_an_accepted_node_asks_for_nothing() -> None:
    """Warnings keep their action for the reader, and ask for nothing."""
    assert decide(_report((Verdict.PASS, Action.NONE), (Verdict.WARN, Action.SERVICE))).action is Action.NONE
