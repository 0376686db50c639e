"""One command that runs a while after another was started, as the look at a GPU in the midst of its load.

Its output goes to a file, so that nobody has to read it while the load runs; its process group ends with the block.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from burn_in.probes.commands import MAX_OUTPUT, environment


@contextlib.contextmanager
def meanwhile(name: str, argv: list[str], after: float, seconds: float) -> Iterator[Callable[[], dict[str, object]]]:
    """Start ``argv`` in ``after`` seconds; what is yielded waits for its end, at most ``seconds``, and gives its record.

    A command that isn't there ends with 127, as a shell says it.
    """
    started = time.monotonic() + after
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            ["sh", "-c", 'sleep "$1"; shift; exec "$@"', "sh", str(after), *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env=environment(),
        )

        def record() -> dict[str, object]:
            rc: int | None = None
            with contextlib.suppress(subprocess.TimeoutExpired):
                rc = process.wait(max(0.0, started + seconds - time.monotonic()))
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read(MAX_OUTPUT + 1))
            return {
                "name": name,
                "argv": argv,
                "rc": rc,
                "stdout": texts[0][:MAX_OUTPUT].decode(errors="replace"),
                "stderr": texts[1][:MAX_OUTPUT].decode(errors="replace"),
                "seconds": round(max(0.0, time.monotonic() - started), 3),
                "timed_out": rc is None,
                "truncated": any(len(text) > MAX_OUTPUT for text in texts),
            }

        try:
            yield record
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
