"""What the command line loads before it knows what it is asked: nothing that only a service, a set-up or the demo needs."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.real

HEAVY = (
    "aiohttp",
    "ansible_runner",
    "boot",
    "burn_in",
    "cryptography",
    "jinja2",
    "lab",
    "nats",
    "pynetbox",
    "requests",
)
LOADED = "import app.main, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def test_help_and_wrong_usage_load_no_server_no_driver_and_no_lab() -> None:
    asked = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60, check=True)
    assert sorted(set(HEAVY) & set(asked.stdout.split())) == []
