"""Pages promise a test for each law, failure, refusal and danger; a promise that names no test is none."""

import re
import subprocess
import sys

import pytest

from tests.project.tree import ROOT

pytestmark = pytest.mark.real

PAGE = ROOT / "docs" / "architecture.md"
REFUSALS = ROOT / "docs" / "refusals.md"
SECURITY = ROOT / "docs" / "security.md"
NAMED = re.compile(r"tests/[\w/.-]+\.py(?:::\w+)*")


def test_every_test_that_the_pages_name_is_collected() -> None:
    named = {test for page in (PAGE, REFUSALS, SECURITY) for test in NAMED.findall(page.read_text())}
    assert named, "the pages name no test"
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    collected = {line.split("[")[0] for line in answer.stdout.splitlines() if "::" in line}
    collected |= {line.split("::")[0] for line in collected}
    assert sorted(named - collected) == []


def test_every_refusal_names_its_test_its_sentence_and_what_to_do() -> None:
    rows = [line.strip("| \n").split(" | ") for line in REFUSALS.read_text().splitlines() if line.startswith("| ")]
    refusals = [row for row in rows if row[0] != "what"]
    assert len(refusals) > 20
    assert [row[0] for row in refusals if len(row) != 5 or not all(row) or not NAMED.search(row[-1])] == []


def test_every_path_that_the_architecture_names_is_there() -> None:
    places = set(
        re.findall(r"`((?:workflows|inventory_sync|boot|burn_in|frontends|app|lab|roles)/[\w/.-]*)", PAGE.read_text())
    )
    assert sorted(place for place in places if not (ROOT / place).exists()) == []
