"""A mutation: one protection taken out of the source, and the test that must notice.

The source is never prepared for it: a mutation is a piece of text and what stands there instead, applied to a copy of the
project. The test is run there as it is, and has to fail by an assertion of its own: a test that can't be collected, that
meets an error or that runs out of time has shown nothing.
"""

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.project.tree import ROOT, files

#: Seconds for one test in one copy.
PATIENCE = 300
_OWN_WORDS = ("AssertionError", "assert ", "Failed: DID NOT RAISE")


@dataclass(frozen=True, slots=True)
class Mutation:
    """``rows``: the rows of the design's table of failures (``1``–``26``) and the laws (``L1``–``L10``) that it protects."""

    name: str
    rows: tuple[str, ...]
    file: str
    old: str
    new: str
    test: str

    def __str__(self) -> str:
        return self.name

    def applied(self) -> str:
        """The file's text with the protection taken out.

        Raises:
            AssertionError: the text isn't there exactly once, or what is left is no Python.
        """
        source = (ROOT / self.file).read_text()
        assert source.count(self.old) == 1, f"{self.name}: {self.file} has this text {source.count(self.old)} times"
        mutated = source.replace(self.old, self.new)
        assert mutated != source
        if self.file.endswith(".py"):
            ast.parse(mutated)
        return mutated


class Copy:
    """The project's files in another directory, where mutations are tried one after the other."""

    def __init__(self, directory: Path):
        self._directory = directory
        for file in files():
            target = directory / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)

    def survives(self, mutation: Mutation) -> str:
        """Why the mutation was not noticed; empty where its test failed by an assertion of its own."""
        file = self._directory / mutation.file
        before = file.read_text()
        file.write_text(mutation.applied())
        try:
            return self._run(mutation.test)
        finally:
            file.write_text(before)

    def _run(self, test: str) -> str:
        report = self._directory / "report.xml"
        report.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-B",
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            test,
        ]
        try:
            done = subprocess.run(
                command,
                cwd=self._directory,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{test} did not end within {PATIENCE} s"
        if not report.exists():
            return f"{test} was not run: {done.stdout[-800:]}{done.stderr[-800:]}"
        suite = ElementTree.parse(report).getroot().find("testsuite")  # noqa: S314  (pytest's own file)
        assert suite is not None
        if suite.get("errors") != "0":
            return f"{test} met an error instead of failing: {done.stdout[-800:]}"
        failures = [str(each.get("message")) for each in suite.iter("failure")]
        if not failures:
            return f"{test} passed"
        return "" if failures[0].startswith(_OWN_WORDS) else f"{test} failed by something else: {failures[0][:400]}"
