"""`make prove` goes on where it stopped, believes nothing of uncommitted files, and fails if anything did."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.project.tree import ROOT

pytestmark = pytest.mark.real


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prove", ROOT / "setup" / "prove.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def prove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, over three suites that leave a line each time they run; the third fails while ``broken`` exists."""
    module = load()
    (tmp_path / "broken").touch()
    body = (
        "import os, sys; name = sys.argv[1]; print(name, file=open('ran', 'a')); "
        "sys.exit(name == 'c' and os.path.exists('broken'))"
    )
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "prove-results")
    monkeypatch.setattr(module, "suites", lambda: {name: [sys.executable, "-c", body, name] for name in "abc"})
    monkeypatch.setattr(module, "commit", lambda: "1234")
    return module


def ran(directory: Path) -> list[str]:
    return (directory / "ran").read_text().split()


def test_what_passed_on_this_commit_is_not_repeated(prove: ModuleType, tmp_path: Path) -> None:
    assert prove.prove() == 1
    assert ran(tmp_path) == ["a", "b", "c"]
    (tmp_path / "broken").unlink()
    assert prove.prove() == 0
    assert ran(tmp_path) == ["a", "b", "c", "c"]
    result = json.loads((tmp_path / "prove-results" / "1234.json").read_text())
    assert result["commit"] == "1234"
    assert {name: suite["passed"] for name, suite in result["suites"].items()} == {"a": True, "b": True, "c": True}


def test_another_commit_and_uncommitted_files_start_anew(
    prove: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").unlink()
    for commit in ("1234", "5678", "5678-dirty", "5678-dirty"):
        monkeypatch.setattr(prove, "commit", lambda commit=commit: commit)
        assert prove.prove() == 0
    assert ran(tmp_path) == ["a", "b", "c"] * 4


def test_each_folder_of_tests_is_a_suite() -> None:
    names = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").rglob("test_*.py")}
    module = load()
    assert names <= set(module.suites())
