"""Storage mounts: what is mounted, and whether each wanted mount takes a file and gives it back.

Each mount is tried by a command of its own (this module, run as a program): a server that is gone hangs that command, not
the probe, and the other mounts are still tried.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from burn_in.probes.commands import run

_BYTES = 1 << 20
_SECONDS = 15.0


def collect(parameters: dict[str, Any]) -> Iterator[dict[str, object]]:
    """``/proc/self/mountinfo``, then one trial for each wanted target."""
    yield run("mountinfo", ["cat", "/proc/self/mountinfo"], 10)
    for mount in parameters.get("mounts", []):
        target = str(mount["target"])
        yield run(f"trial {target}", [sys.executable, "-B", "-m", "burn_in.probes.mounts", target], _SECONDS)


def trial(target: str) -> dict[str, object]:
    """Write, sync and read back a file that no other node uses; says what it saw.

    The cached pages are dropped before reading, so that the answer comes from the server where the kernel allows it.
    """
    if not os.path.ismount(target):
        return {"mounted": False}
    data = os.urandom(_BYTES)
    path = Path(target) / f".bringup-{os.uname().nodename}-{os.getpid()}-{os.urandom(6).hex()}"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
        with path.open("rb") as file:
            back = file.read(_BYTES + 1)
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    return {
        "mounted": True,
        "bytes": len(back),
        "written": hashlib.sha256(data).hexdigest(),
        "read": hashlib.sha256(back).hexdigest(),
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(trial(sys.argv[1])) + "\n")
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error.strerror}")
