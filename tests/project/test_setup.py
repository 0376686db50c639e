"""What a fresh Debian meets: each thing that is missing is fetched, or named in one line that can be pasted.

The scripts run in a copy, with programs of ours in front of the real ones.
"""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.project.tree import ROOT

pytestmark = pytest.mark.real

NOT_ROOT = {"id": "echo 1000"}


def run(script: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(script.parent)}
    if path is not None:
        environment["PATH"] = f"{path}:/usr/bin:/bin:/usr/sbin:/sbin"
    return subprocess.run(
        [script, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def programs(directory: Path, **scripts: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, script in scripts.items():
        file = directory / name.replace("_", "-")
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    return directory


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What bootstrap reads of a fresh clone."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "setup", clone / "setup")
    for name in ("requirements.lock", "pyproject.toml", ".python-version"):
        shutil.copy(ROOT / name, clone)
    return clone


def test_an_environment_is_made_once_and_then_costs_nothing_until_its_inputs_change(clone: Path) -> None:
    version = (clone / "setup" / "uv.lock.txt").read_text().split()[0].replace("==", " ")
    programs(
        clone / ".cache" / "uv" / "bin",
        uv=f"""echo "$1 $2" >> {clone}/called
case "$1 $2" in
--version*) echo "{version} (test)" ;;
"python find") echo {sys.executable} ;;
"venv --quiet") mkdir -p .venv/bin && ln -s {sys.executable} .venv/bin/python ;;
esac""",
    )
    script, called = clone / "setup" / "bootstrap", clone / "called"
    assert run(script).returncode == 0
    assert called.read_text().splitlines() == [
        *("--version ", "python find", "venv --quiet", "pip sync", "pip install")
    ]
    called.unlink()
    started = time.monotonic()
    again = run(script)
    assert time.monotonic() - started < 1
    assert (again.returncode, again.stdout, again.stderr, called.exists()) == (0, "", "", False)
    with (clone / "requirements.lock").open("a") as lock:
        lock.write("# another pin\n")
    assert run(script).returncode == 0
    assert called.read_text().splitlines() == ["--version ", "pip sync", "pip install"]


def test_a_python_without_venv_is_named_in_one_line(clone: Path, tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", python3="exit 1", **NOT_ROOT)
    answer = run(clone / "setup" / "bootstrap", path=path)
    assert answer.returncode != 0
    assert answer.stderr.splitlines() == [
        "bringup: python3 can't make virtual environments; install what it lacks: sudo apt-get install -y python3-venv"
    ]


def test_a_host_where_no_python_can_be_had_is_told_so_in_one_line(clone: Path, tmp_path: Path) -> None:
    wanted = (clone / "setup" / "uv.lock.txt").read_text().split()[0].replace("==", " ")
    programs(clone / ".cache" / "uv" / "bin", uv=f'[ "$1" = --version ] && echo "{wanted} (test)"')
    answer = run(clone / "setup" / "bootstrap", path=programs(tmp_path / "bin"))
    assert answer.returncode != 0
    assert answer.stderr.splitlines()[-1].startswith("bringup: no Python of 3.12 or newer")
    assert "install one" in answer.stderr


def test_debian_packages_that_are_there_need_no_apt(tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", dpkg_query="echo installed", apt_get="exit 1")
    answer = run(ROOT / "setup" / "packages", "test", "e2e", path=path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_debian_packages_that_are_missing_are_named_in_one_line(tmp_path: Path) -> None:
    missing = 'case "$*" in *opensm*|*redis*) echo not-installed ;; *) echo installed ;; esac'
    path = programs(tmp_path / "bin", dpkg_query=missing, apt_get="exit 1", **NOT_ROOT)
    answer = run(ROOT / "setup" / "packages", "test", path=path)
    assert answer.returncode == 0
    assert answer.stderr.splitlines() == [
        "bringup: some tests will be skipped; to run them: sudo apt-get install -y opensm redis-server"
    ]


def test_root_installs_what_is_missing(tmp_path: Path) -> None:
    path = programs(
        tmp_path / "bin",
        id="echo 0",
        dpkg_query='case "$*" in *opensm*) exit 1 ;; *) echo installed ;; esac',
        apt_get=f'echo "$*" >> {tmp_path}/called',
    )
    assert run(ROOT / "setup" / "packages", "test", path=path).returncode == 0
    called = (tmp_path / "called").read_text().splitlines()
    assert called == ["update -qq", "install -y -qq --no-install-recommends opensm"]


def test_the_locked_requirements_are_what_the_project_asks_for() -> None:
    """Every direct dependency has a pinned version with hashes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {line.split("[")[0].split(">")[0].split("<")[0].split("=")[0].lower() for line in asked}
    locked = {
        line.split("==")[0].lower() for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line
    }
    assert {name.replace("_", "-") for name in names} <= locked
    assert "--hash=sha256:" in (ROOT / "requirements.lock").read_text()
