"""`bringup demo-real`, as a person starts it: every witness agrees, and nothing is left behind."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.site.needs import missing

pytestmark = [pytest.mark.e2e, pytest.mark.long]

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory for temporary files that NetBox's database, another user's process, can get into; pytest's own isn't."""
    with tempfile.TemporaryDirectory(prefix="demo-real-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def test_two_machines_come_into_service_and_all_witnesses_agree(reachable: Path) -> None:
    if lacking := missing():
        pytest.skip(lacking)
    command = (sys.executable, "-m", "app", "demo-real", "--json", "--cache", str(_ROOT / ".cache"))
    demo = subprocess.run(
        command,
        cwd=_ROOT,
        env=os.environ | {"TMPDIR": str(reachable)},
        stdout=subprocess.PIPE,
        timeout=2000,
        check=False,
    )
    told = json.loads(demo.stdout)
    assert [(row["name"], row["doubts"]) for row in told["machines"]] == [("gpu-001", []), ("gpu-002", [])]
    assert (demo.returncode, told["forbidden"]) == (0, [])
    assert list(reachable.iterdir()) == []
