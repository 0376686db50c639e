"""What ``bringup up`` costs while nothing happens: memory of its whole process tree, and how long commands take to start.

A site of 50 nodes in a directory of YAML files, mode *observe*, boot service included. It counts as idle once each node's
outcome lies beside its file and the tree has used next to no CPU for some seconds. RSS counts shared pages in each process;
PSS shares them out, so its sum is what the host really lacks. Exits 1 over the limit of 250 MB. Linux only (``/proc``).
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.rack.image import INITRD, KERNEL, make_artifacts
from lab.site.yaml_site import running_up, write_yaml_site

NODES = 50
LIMIT_MB = 250
PATIENCE = 120.0
QUIET_SECONDS, QUIET_CPU = 5.0, 0.25
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process of the tree; memory in MB (10⁶ bytes)."""

    name: str
    rss_mb: float
    pss_mb: float


def main() -> int:
    """Start it, wait, measure, end it."""
    with tempfile.TemporaryDirectory(prefix="bench-up-") as temporary:
        directory = Path(temporary)
        config = write_site(directory)
        began = time.monotonic()
        with running_up(config) as up:
            until_idle(up, directory / "inventory")
            settled = time.monotonic() - began
            tree = [measured(pid) for pid in pids_below(up.pid)]
            started = {command: seconds(config, command) for command in ("--help", "status")}
    return report(tree, settled, started)


def report(tree: list[Process], settled: float, started: dict[str, float]) -> int:
    """Print both forms; 1 where the limit is broken."""
    rss, pss = sum(p.rss_mb for p in tree), sum(p.pss_mb for p in tree)
    for process in tree:
        print(f"{process.name:24} RSS {process.rss_mb:7.1f} MB   PSS {process.pss_mb:7.1f} MB")
    print(f"{f'idle, {NODES} nodes':24} RSS {rss:7.1f} MB   PSS {pss:7.1f} MB   limit {LIMIT_MB} MB")
    print(f"{'idle after':24} {settled:11.1f} s")
    for command, took in started.items():
        print(f"{f'bringup {command}':24} {took:11.2f} s")
    numbers = {"nodes": NODES, "rss_mb": round(rss, 1), "pss_mb": round(pss, 1), "limit_mb": LIMIT_MB}
    print(json.dumps(numbers | {"processes": [asdict(p) for p in tree], "start_seconds": started}))
    return int(rss > LIMIT_MB)


def write_site(directory: Path) -> Path:
    """A site that observes, with a boot service; returns the configuration."""
    image = make_artifacts(directory / "artifacts", 1 << 20)
    known = {"boot/token": {"key": secrets.token_hex(32)}, "ssh/bringup": {"key": "none"}}
    boot = {
        "http": "127.0.0.1:0",
        "https": "127.0.0.1:0",
        "http_url": "http://127.0.0.1:1",
        "https_url": "https://127.0.0.1:1",
        "artifacts": "artifacts",
        "certificates": "certificates",
        "kernel": KERNEL,
        "initrd": INITRD,
    }
    settings = {"site": "bench", "mode": "observe"}
    return write_yaml_site(directory, NODES, "staged", image, known, settings=settings, boot=boot)


def until_idle(up: subprocess.Popen[bytes], inventory: Path) -> None:
    """Wait until every node has its outcome and the tree is quiet."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if up.poll() is not None:
            raise SystemExit(f"bringup up ended with {up.returncode}")
        before = cpu(up.pid)
        time.sleep(QUIET_SECONDS)
        shown = [f for f in inventory.glob("*.status.yaml") if "state: would" in f.read_text()]
        if len(shown) == NODES and cpu(up.pid) - before <= QUIET_CPU:
            return
    raise SystemExit(f"not idle after {PATIENCE:.0f} s: {len(shown)} of {NODES} nodes have their outcome")


def pids_below(pid: int) -> list[int]:
    """The process and all its descendants."""
    children = [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]
    return [pid, *(p for child in children for p in pids_below(child))]


def cpu(pid: int) -> float:
    """CPU seconds of the tree so far."""
    fields = [Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split() for p in pids_below(pid)]
    return sum(int(f[11]) + int(f[12]) for f in fields) / _TICKS


def measured(pid: int) -> Process:
    """Its memory now (``smaps_rollup`` in proc(5), in KiB)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.split()[0]: int(line.split()[1]) for line in lines}
    return Process(
        Path(f"/proc/{pid}/comm").read_text().strip(),
        round(kib["Rss:"] * 1024 / 1e6, 1),
        round(kib["Pss:"] * 1024 / 1e6, 1),
    )


def seconds(config: Path, command: str) -> float:
    """How long a command of the command line takes, the better of two."""
    took = []
    for _ in range(2):
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "app", "--config", config, command], check=True, stdout=subprocess.DEVNULL
        )
        took.append(time.monotonic() - began)
    return round(min(took), 2)


if __name__ == "__main__":
    sys.exit(main())
