"""The rule that CI skips nothing, tried on small projects, each in a pytest of its own."""

import pytest

from tests.project.tree import ROOT

pytestmark = pytest.mark.real

NEEDY = """
import pytest

@pytest.mark.fast
def test_quick(): pass

@pytest.mark.{kind}
def test_needy(): pytest.skip("no nats-server here")
"""
INI = """
[pytest]
markers =
    fast: one kind
    real: another
    e2e: a third
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester.makeini(INI)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p tests.fixtures.kinds")
    monkeypatch.delenv("CI", raising=False)
    return pytester


@pytest.mark.parametrize("kind", ["real", "e2e"])
def test_a_skip_is_an_excuse_at_home_and_a_failure_in_ci(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    project.makepyfile(NEEDY.format(kind=kind))
    assert project.runpytest_subprocess().ret == pytest.ExitCode.OK
    monkeypatch.setenv("CI", "true")
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED *test_needy - skipped in CI*no nats-server here", "*1 failed, 1 passed*"])


def test_a_file_that_skips_itself_whole_fails_in_ci(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makepyfile("import pytest\npytest.skip('no qemu', allow_module_level=True)")
    monkeypatch.setenv("CI", "true")
    assert project.runpytest_subprocess().ret == pytest.ExitCode.INTERRUPTED


def test_a_test_that_was_not_asked_for_is_no_skip(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makepyfile(NEEDY.format(kind="e2e"))
    monkeypatch.setenv("CI", "true")
    assert project.runpytest_subprocess("-m", "fast").ret == pytest.ExitCode.OK


def test_counts_by_kind_stand_above_the_last_line(project: pytest.Pytester) -> None:
    project.makepyfile(NEEDY.format(kind="e2e"))
    result = project.runpytest_subprocess()
    result.stdout.fnmatch_lines(["fast   1 passed", "real   none run", "e2e    1 skipped", "*1 passed, 1 skipped in *"])
    assert result.outlines[-1].startswith("=")


@pytest.mark.parametrize("marks", ["", "@pytest.mark.fast\n@pytest.mark.real\n"])
def test_a_test_is_of_exactly_one_kind(project: pytest.Pytester, marks: str) -> None:
    project.makepyfile(f"import pytest\n\n{marks}def test_odd(): pass")
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*each test needs exactly one of the markers*", "*test_odd*"])
