"""``explain``: each word that bringup prints has a meaning, taken from where it is defined."""

import pytest

from app.known import KNOWN
from frontends.cli import exits
from frontends.explain import everything, explain
from workflows.catalog import STEPS, WORKFLOWS
from workflows.model.command import Verb
from workflows.model.errors import BadInput
from workflows.model.journal import Kind
from workflows.model.status import NodeState
from workflows.model.verdict import Verdict

pytestmark = pytest.mark.fast


def test_no_word_that_is_printed_is_without_a_meaning() -> None:
    words = {(m.kind, m.word) for m in everything(KNOWN)}
    codes = (exits.OK, exits.REFUSED, 2, exits.UNREACHABLE, exits.NEEDS_HUMAN, exits.NOT_WELL)
    wanted = [("exit code", str(code)) for code in codes]
    for kind, named in (("state", NodeState), ("verb", Verb), ("verdict", Verdict), ("journal entry", Kind)):
        wanted += [(kind, word.value) for word in named]
    wanted += [("step", name) for name in STEPS] + [("workflow", name) for name in WORKFLOWS]
    assert [w for w in wanted if w not in words] == []
    assert [m.word for m in everything(KNOWN) if len(m.says) < 10] == []


def test_a_word_is_known_whatever_its_case_and_may_mean_two_things() -> None:
    assert [m.kind for m in explain("In Service", KNOWN)] == ["state"]
    assert {m.kind for m in explain("FAILED", KNOWN)} >= {"state", "outcome", "journal entry"}
    (deploy,) = explain("deploy", KNOWN)
    assert "at most" in deploy.then


def test_a_word_that_nobody_knows_names_its_neighbours() -> None:
    with pytest.raises(BadInput, match="close to it: parked"):
        explain("parkd", KNOWN)
    with pytest.raises(BadInput, match="bringup explain lists"):
        explain("qqqqqqqq", KNOWN)
