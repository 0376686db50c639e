"""Runs one build command with a deadline; what it printed last is in the error."""

import subprocess
from collections.abc import Container, Sequence
from datetime import timedelta
from pathlib import Path

from workflows.model.errors import Refused


def run(
    argv: Sequence[str | Path],
    *,
    timeout: timedelta,
    stdin: bytes = b"",
    cwd: Path | None = None,
    good: Container[int] = (0,),
) -> bytes:
    """Run it and return its standard output. ``good`` are the exit codes that are no failure.

    Raises:
        Refused: it failed or took too long; the message ends with its last words.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout.total_seconds(), cwd=cwd)
    except subprocess.TimeoutExpired:
        raise Refused(f"{words[0]} took longer than {timeout} and was ended; try again on a quieter host") from None
    except FileNotFoundError:
        raise Refused(f"{words[0]} is not installed; install its Debian package and try again") from None
    if done.returncode not in good:
        last = (done.stderr or done.stdout).decode(errors="replace").strip()[-800:]
        raise Refused(f"{' '.join(words)[:200]} ended with {done.returncode}: {last}")
    return done.stdout
