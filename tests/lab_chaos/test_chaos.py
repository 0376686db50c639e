"""``bringup lab chaos`` as a person runs it: real processes, killed and paused; its own account has to be clean.

The small one has few runs in `make test`; `make prove` has five hundred.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SEED = 7


def command(runs: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "app", "lab", "chaos", "--runs", str(runs), "--seed", str(SEED), "--json", *more]


def chaos(keep: Path, runs: int, patience: int, *more: str) -> dict[str, Any]:
    argv = command(runs, "--patience", str(patience), "--keep", str(keep), *more)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=patience + 300, check=False)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, report["problems"]) == (0, []), f"{report}\n{done.stderr[-3000:]}"
    return report


@pytest.mark.e2e
def test_no_run_is_lost_and_no_disk_written_twice_while_processes_die(tmp_path: Path) -> None:
    report = chaos(tmp_path / "chaos", 8, 240, "--ansible-every", "4")
    assert report["ends"] == {"succeeded": 8}
    assert report["machines_by_wipes"] == {"1": 8}
    assert sum(report["blows"].values()) >= 2


@pytest.mark.e2e
@pytest.mark.long
def test_five_hundred_runs(tmp_path: Path) -> None:
    report = chaos(tmp_path / "chaos", 500, 3600, "--window", "16", "--ansible-every", "20")
    assert report["stale_accepted"] == report["double_wipes"] == []


@pytest.mark.e2e
def test_interrupted_it_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    process = subprocess.Popen(command(8), env=os.environ | {"TMPDIR": str(tmp_path)}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (found := [pid for pid in running(tmp_path) if pid != process.pid]) or not list(
            tmp_path.glob("*/w3.log")
        ):
            assert time.monotonic() < deadline, "no worker was started"
            time.sleep(0.1)  # the process is another one: nothing to wait on
        assert len(found) > 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 5
    finally:
        process.kill()
    assert running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def running(directory: Path) -> Sequence[int]:
    """Processes that were started with a path in this directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if str(directory).encode() in words:
            found.append(int(entry.parent.name))
    return found
