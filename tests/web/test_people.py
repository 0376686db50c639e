"""Who may do what on the page: roles, their narrowing, and a file that is read anew."""

import os
from pathlib import Path

import pytest
import yaml

from frontends.web.people import ALLOWED, People, Person, Role, digest_of, new_token
from tests.workflows.samples import desired
from workflows.model.command import Verb
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast

NODES = [desired("gpu-001"), desired("gpu-002", rack="R13")]


def person(role: Role = Role.OPERATOR, **changes: object) -> Person:
    return Person.model_validate({"role": role, "token_sha256": "a" * 64} | changes)


def test_each_role_may_more_than_the_one_before_and_only_an_approver_says_yes() -> None:
    assert ALLOWED[Role.VIEWER] == frozenset()
    assert ALLOWED[Role.APPROVER] - ALLOWED[Role.OPERATOR] == {Verb.APPROVE, Verb.DENY}
    assert ALLOWED[Role.APPROVER] == frozenset(Verb)
    assert "look only" in person(Role.VIEWER).refusal(Verb.HOLD, NODES, force=False)
    assert "doesn't include approve" in person().refusal(Verb.APPROVE, NODES, force=False)


def test_force_is_for_an_admin() -> None:
    assert "only an admin" in person(Role.APPROVER).refusal(Verb.REIMAGE, NODES, force=True)
    assert person(Role.ADMIN).refusal(Verb.REIMAGE, NODES, force=True) == ""


def test_a_limit_a_rack_and_a_list_of_verbs_narrow_a_role_and_never_widen_it() -> None:
    assert "2 nodes are named, your limit is 1" in person(at_most=1).refusal(Verb.HOLD, NODES, force=False)
    said = person(racks=["R12"]).refusal(Verb.HOLD, NODES, force=False)
    assert said == "gpu-002 is in rack R13; you may act in R12 only"
    assert person(racks=["R12"]).refusal(Verb.HOLD, NODES[:1], force=False) == ""
    assert person(Role.OPERATOR, verbs=["hold", "approve"]).verbs_allowed() == {Verb.HOLD}


def write(file: Path, people: dict[str, dict[str, object]], at: int = 1) -> People:
    file.write_text(yaml.safe_dump({"people": people}))
    os.utime(file, ns=(at, at))
    return People(file)


def test_the_file_holds_no_token_and_says_whose_one_is(tmp_path: Path) -> None:
    token = new_token()
    people = write(tmp_path / "people.yaml", {"ann": {"role": "admin", "token_sha256": digest_of(token)}})
    assert (people.of_token(token), people.of_token(token + "x"), people.of_token("")) == ("ann", None, None)
    assert token not in (tmp_path / "people.yaml").read_text()


def test_who_is_taken_out_of_the_file_is_out_at_once(tmp_path: Path) -> None:
    file, entry = tmp_path / "people.yaml", {"role": "admin", "token_sha256": digest_of("t")}
    people = write(file, {"ann": entry})
    assert people.of_token("t") == "ann"
    write(file, {}, at=2)
    assert people.of_token("t") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people: {ann: {role: boss, token_sha256: " + "a" * 64 + "}}", "role"),
        ("people: {ann: {role: admin, token: secret}}", "people.ann"),
        ("people: [", "is not YAML"),
        ("people: {a: {role: viewer, token_sha256: " + "a" * 64 + "}, b: {role: viewer, token_sha256: " + "a" * 64 + "}}",
         "two people have the same token"),
    ],
    ids=["role", "a token in the clear", "no YAML", "one token for two"],
)  # fmt: skip
def test_a_file_that_is_wrong_lets_nobody_in_and_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "people.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        People(tmp_path / "people.yaml").of_token("x")
    with pytest.raises(BadInput, match="can't be read"):
        People(tmp_path / "nowhere.yaml").all()
