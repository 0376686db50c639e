"""The tree is the architecture: what a newcomer may rely on when reading it."""

import ast
import os
import re
from pathlib import Path

import pytest

from tests.project.tree import CODE, ROOT, files, modules, text

pytestmark = pytest.mark.fast

TOP = {
    *CODE,
    *("roles", "templates", "tests", "benchmarks", "docs", "monitoring", "setup", ".ci"),
    *("README.md", "Makefile", "pyproject.toml", "requirements.lock", "compose.yaml"),
    *(".gitignore", ".python-version", "LICENSE"),
}
HARD_CAP = 500
SOURCE = {".py", ".sh", ".j2", ".yml", ".yaml", ".toml", ".md", ""}
# Recorded from the world, or computed from it: nobody reads these from top to bottom.
RECORDED = re.compile(r"requirements\.lock|.*/samples/.*")


def test_the_top_level_is_the_design() -> None:
    assert {file.relative_to(ROOT).parts[0] for file in files()} <= TOP


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(name): lines
        for file in files()
        if file.suffix in SOURCE
        and not RECORDED.fullmatch(str(name := file.relative_to(ROOT)))
        and (lines := text(file).count("\n")) > HARD_CAP
    }
    assert long == {}


def test_every_package_and_module_says_what_it_is_for() -> None:
    silent = [str(file.relative_to(ROOT)) for file in modules() if not ast.get_docstring(ast.parse(text(file)))]
    assert silent == []


def test_only_the_composition_root_reads_the_environment() -> None:
    """Probes are programs of the node: the environment there is not ours."""
    readers = [
        str(name)
        for file in modules()
        if re.search(r"\bos\.(environ\[|environ\.get|getenv)", text(file))
        and not (name := file.relative_to(ROOT)).is_relative_to("app")
        and not name.is_relative_to("burn_in/probes")
    ]
    assert readers == []


def test_only_one_package_speaks_to_nats() -> None:
    speakers = {
        str(file.relative_to(ROOT).parent)
        for file in modules()
        for node in ast.walk(ast.parse(text(file)))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "nats" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "nats")
    }
    assert speakers <= {"workflows/jetstream"}


def test_no_file_names_the_place_it_was_written_in() -> None:
    """Neither the checkout's own path nor its package index; the lock file says what, never where from."""
    assert "://" not in text(ROOT / "requirements.lock")
    assert "--index-url" not in text(ROOT / "requirements.lock")
    here = [re.escape(str(place)) + r"\b" for place in (ROOT, Path.home()) if len(place.parts) > 2]
    indexes = [
        re.escape(value)
        for name, value in os.environ.items()
        if re.fullmatch(r"(PIP|UV)_.*(INDEX|LINKS).*", name) and value.startswith(("/", "http", "file:"))
    ]
    places = re.compile("|".join([*here, *indexes, r"files\.pythonhosted\.org"]))
    named = {
        str(file.relative_to(ROOT)): found.group()
        for file in files()
        if file != Path(__file__) and (found := places.search(text(file)))
    }
    assert named == {}


def test_nothing_is_left_for_later_in_the_code() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [str(file.relative_to(ROOT)) for file in modules() if marks.search(text(file))] == []


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"(docs/{page.name})" not in readme] == []
