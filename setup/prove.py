"""`make prove`: every suite at full length, resumable, with one result file a commit.

A suite is one folder of tests; each runs in a pytest of its own, so that an interrupted proof loses one suite at most.
``prove-results/<commit>.json`` is written after each. Run again on the same commit, suites that passed are not repeated;
with uncommitted changes nothing is kept, because no commit stands for what was run.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "prove-results"


def commit() -> str:
    """The commit that is checked out; with ``-dirty`` where files differ from it or are not in it."""
    return _git("rev-parse", "HEAD") + ("-dirty" if _git("status", "--porcelain") else "")


def suites() -> dict[str, list[str]]:
    """Each suite's name and command."""
    python = sys.executable
    commands = {
        "lint": [python, "-m", "ruff", "check", "."],
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "types": [python, "-m", "mypy"],
        "imports": ["lint-imports", "--no-logo"],
    }
    for folder in sorted(path for path in (ROOT / "tests").iterdir() if any(path.glob("**/test_*.py"))):
        commands[f"tests/{folder.name}"] = [
            *(python, "-m", "pytest", "--hypothesis-profile=prove", f"tests/{folder.name}")
        ]
    return commands


def prove() -> int:
    """Run what has not passed yet on this commit; the number of suites that failed."""
    of = commit()
    file = RESULTS / f"{of}.json"
    results: dict[str, Any] = {}
    if file.exists() and not of.endswith("-dirty"):
        results = json.loads(file.read_text())["suites"]
    failed = 0
    for name, command in suites().items():
        if results.get(name, {}).get("passed"):
            print(f"== {name}: passed before")
            continue
        print(f"== {name}", flush=True)
        started = time.monotonic()
        # A proof has no excuse for a skipped counterpart, just as CI has none.
        status = subprocess.run(command, cwd=ROOT, env=os.environ | {"CI": "true"}, check=False).returncode
        results[name] = {
            "passed": status == 0,
            "exit": status,
            "seconds": round(time.monotonic() - started, 1),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": ["python" if part == sys.executable else part for part in command],
        }
        failed += status != 0
        _write(file, {"commit": of, "python": sys.version.split()[0], "suites": results})
    print(f"{len(results) - failed} of {len(results)} suites passed; {file.relative_to(ROOT)}")
    return failed


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(content, indent=2) + "\n")
    beside.replace(file)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(1 if prove() else 0)
