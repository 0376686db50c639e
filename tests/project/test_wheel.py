"""The wheel, as a user gets it: installed in an empty environment, run outside the checkout."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.project.tree import ROOT

pytestmark = pytest.mark.real


def run(*command: str | Path, cwd: Path, timeout: float = 300) -> str:
    """What the command printed; a failure shows all of it."""
    answer = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    return answer.stdout


@pytest.fixture(scope="module")
def uv() -> str:
    beside = ROOT / ".cache" / "uv" / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("uv isn't here; `make environment` fetches it")
    return found


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(*(uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", out), cwd=ROOT)
    (built,) = out.glob("bringup-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment in ``venv`` that holds the wheel and what it asks for, nothing else."""
    home = tmp_path_factory.mktemp("user")
    run(uv, "venv", "--quiet", "--python", sys.executable, "venv", cwd=home)
    locked = ("--constraint", ROOT / "requirements.lock")
    run(uv, "pip", "install", "--quiet", "--python", "venv/bin/python", *locked, wheel, cwd=home)
    return home


def test_roles_and_templates_ship_as_data_and_tests_do_not(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert {"workflows", "app", "lab", "roles", "templates"} <= tops
    assert tops.isdisjoint({"tests", "benchmarks", "docs", "setup"})
    shipped = {name for name in names if name.startswith(("roles/", "templates/"))}
    assert shipped == {
        str(file.relative_to(ROOT))
        for folder in ("roles", "templates")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_command_answers_outside_the_checkout(installed: Path) -> None:
    shown = run(installed / "venv/bin/bringup", "--help", cwd=installed, timeout=60)
    assert "provision" in shown
    assert "reimage" in shown


def test_the_demo_brings_machines_into_service_from_the_wheel_alone(installed: Path) -> None:
    shown = run(*(installed / "venv/bin/bringup", "demo", "--machines", "2", "--json"), cwd=installed, timeout=240)
    machines = json.loads(shown)["machines"]
    assert [machine["state"] for machine in machines] == ["in-service", "in-service"]
    assert [machine["wipes"] for machine in machines] == [1, 1]
    assert all(machine["well"] and machine["ansible_modules"] for machine in machines)


def test_the_demo_fails_where_nothing_listens_on_the_boot_services_port(installed: Path) -> None:
    """The machines are the witnesses: a demo that could succeed without them would show nothing."""
    command = (installed / "venv/bin/bringup", "demo", "--machines", "1", "--json", "--block-boot", "--patience", "20")
    answer = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode != 0
    (machine,) = json.loads(answer.stdout)["machines"]
    assert machine["state"] != "in-service"
    assert machine["wipes"] == 0
    assert machine["http_requests"]["GET /boot.ipxe"] > 0
