"""Law 10, row 7: what is too long is refused by its length, and what says nothing accepts nothing."""

import pytest

from tests.workflows.samples import NOON
from workflows.model.command import MAX_BODY, parse_command
from workflows.model.errors import BadInput
from workflows.model.verdict import BurnInReport

pytestmark = pytest.mark.fast


def test_a_command_that_is_too_long_is_refused_by_its_length() -> None:
    body = b'{"select": "gpu-001"' + b" " * MAX_BODY + b"}"
    with pytest.raises(BadInput, match=f"at most {MAX_BODY}"):
        parse_command("command.ann.cancel.lab", body, 7, NOON, frozenset())


def test_a_report_without_a_check_accepts_nothing() -> None:
    assert not BurnInReport(level="gate").accepted
