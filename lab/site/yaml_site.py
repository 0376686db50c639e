"""A site of a directory of YAML files, and ``bringup up`` over it in a process of its own: for benchmarks and tests.

Its BMCs are addresses that nobody answers at: what is looked at here is the site, not machines.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab.rack.rack import RELEASE, SKU, profiles
from workflows.drivers.secrets import write_secret_file
from workflows.model.profile import Image

_PATIENCE_S = 30


def yaml_node(number: int, status: str) -> dict[str, Any]:
    """The file of node ``gpu-<number>``, 1 to 250."""
    return {
        "name": f"gpu-{number:03}",
        "status": status,
        "serial": f"SN{number:04}",
        "rack": "R1",
        "bmc": {"address": f"https://127.99.0.{number}:9"},
        "interfaces": [{"name": "eth0", "mac": f"02:00:00:99:00:{number:02x}"}],
        "sku": SKU,
        "release": RELEASE,
    }


def write_yaml_site(
    directory: Path, nodes: int, status: str, image: Image, secrets: Mapping[str, dict[str, str]], **settings: Any
) -> Path:
    """Everything that a person writes before the first start; returns the configuration, with ``settings`` on top."""
    files: dict[str, Any] = {f"profiles/{name}": yaml.safe_load(text) for name, text in profiles(image).items()}
    files |= {f"inventory/gpu-{n:03}.yaml": yaml_node(n, status) for n in range(1, nodes + 1)}
    places = {"profiles": "profiles", "secrets": "secrets", "data": "data", "yaml": {"directory": "inventory"}}
    files["site.yaml"] = places | settings
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content))
    for reference, fields in secrets.items():
        write_secret_file(directory / "secrets" / f"{reference}.yaml", fields)
    return directory / "site.yaml"


@contextmanager
def running_up(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``bringup up`` until the block ends; told to stop then, and killed where it doesn't within 30 s."""
    up = subprocess.Popen([sys.executable, "-m", "app", "--config", config, "up"], start_new_session=True)
    try:
        yield up
    finally:
        up.send_signal(signal.SIGTERM)
        try:
            up.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()
