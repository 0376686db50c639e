"""Runs probes: ``python3 -m burn_in.probes FILE SECONDS NAME…``, their parameters as JSON on standard input.

FILE gets the bundles of all of them, by name. Each probe works in a child with a process group of its own and hands over
each record as soon as it has it, so a probe that hangs or dies leaves what it had, and its bundle says what became of it.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

_MAX_PARAMETERS = 1 << 20
_MAX_BUNDLE = 12 << 20
_POLITE = 1.0


def main(argv: list[str]) -> int:
    """Run the probes one after the other, SECONDS for each, and write the file in one move."""
    path, seconds, names = argv[1], float(argv[2]), argv[3:]
    parameters = json.loads(sys.stdin.read(_MAX_PARAMETERS) or "{}")
    bundles = {name: _bundle(name, parameters, seconds) for name in names}
    new = Path(path + ".new")
    new.write_text(json.dumps(bundles))
    new.replace(path)
    return 0


def _bundle(name: str, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The bundle of one probe: see ``burn_in.bundle.Bundle``."""
    started, wall = time.monotonic(), time.time()
    records, error, timed_out = _collect(name, parameters, seconds)
    return {
        "probe": name,
        "started": wall,
        "seconds": round(time.monotonic() - started, 3),
        "timed_out": timed_out,
        "error": error,
        "commands": records,
    }


def _collect(name: str, parameters: dict[str, Any], seconds: float) -> tuple[list[dict[str, Any]], str, bool]:
    """The records of the probe, what went wrong with it, and whether it was killed at its deadline."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, _stopped)
            os.close(reading)
            code = _probe(name, parameters, writing)
        finally:
            os._exit(code)
    os.close(writing)
    data, ended = _read(reading, time.monotonic() + seconds)
    if not ended:
        _end(child)
        return _records(data), f"killed at its deadline of {seconds:g} s", True
    _, status = os.waitpid(child, 0)
    error = "" if status == 0 else f"the probe ended with status {os.waitstatus_to_exitcode(status)}"
    lines = _records(data)
    if lines and "error" in lines[-1]:
        error = str(lines.pop()["error"])
    return lines, error, False


def _end(child: int) -> None:
    """Ask the probe to end, which ends the command that it runs; kill it where it doesn't within a second."""
    os.kill(child, signal.SIGTERM)
    until = time.monotonic() + _POLITE
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            return
        time.sleep(0.02)


def _read(fd: int, deadline: float) -> tuple[bytes, bool]:
    data = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([fd], [], [], left)[0]:
            break
        part = os.read(fd, 1 << 16)
        if not part:
            return bytes(data), True
        data += part[: max(0, _MAX_BUNDLE - len(data))]
    return bytes(data), False


def _records(data: bytes) -> list[dict[str, Any]]:
    """All whole lines; a last one that was cut is dropped."""
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def _stopped(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _probe(name: str, parameters: dict[str, Any], writing: int) -> int:
    """In the child: hand over each record of the probe as it comes."""
    with os.fdopen(writing, "w", buffering=1) as pipe:
        try:
            module = importlib.import_module(f"burn_in.probes.{name}")
            collect: Callable[[dict[str, Any]], Iterator[dict[str, Any]]] = module.collect
            for record in collect(parameters):
                pipe.write(json.dumps(record) + "\n")
        except Exception as error:  # noqa: BLE001 - whatever a probe dies of stands in its bundle
            pipe.write(json.dumps({"error": f"{type(error).__name__}: {error}"[:1000]}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
