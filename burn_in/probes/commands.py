"""Runs one command on the node, bounded in time and size, and writes down what happened.

A command gets a process group of its own, which is killed at its deadline. Output is read until the deadline, not until
its end: a process in uninterruptible sleep (a mount whose server is gone) keeps the pipe open and can't be killed, and
must not hold us.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time

MAX_OUTPUT = 4 << 20
_NOT_FOUND = 127
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """What every tool gets: its words in one language, GPUs numbered as nvidia-smi numbers them."""
    return {
        **os.environ,
        "LC_ALL": "C",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}",
    }


def run(name: str, argv: list[str], seconds: float) -> dict[str, object]:
    """The record of one command: see ``burn_in.bundle.CommandRecord``. Never raises for what the command does."""
    started = time.monotonic()
    record: dict[str, object] = {"name": name, "argv": argv}
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment(),
        )
    except OSError as error:
        return {**record, "rc": _NOT_FOUND, "stderr": f"{argv[0]}: {error.strerror}"}
    rc: int | None = None
    try:
        outputs, truncated = _read(process, started + seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            rc = process.wait(max(0.0, started + seconds - time.monotonic()))
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    return {
        **record,
        "rc": rc,
        "stdout": outputs[0].decode(errors="replace"),
        "stderr": outputs[1].decode(errors="replace"),
        "seconds": round(time.monotonic() - started, 3),
        "timed_out": rc is None,
        "truncated": truncated,
    }


def _read(process: subprocess.Popen[bytes], deadline: float) -> tuple[list[bytearray], bool]:
    """Both outputs until their end or the deadline; what is beyond the bound is read and dropped."""
    assert process.stdout is not None
    assert process.stderr is not None
    pipes = {process.stdout.fileno(): 0, process.stderr.fileno(): 1}
    outputs = [bytearray(), bytearray()]
    truncated = False
    while pipes and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select(list(pipes), [], [], left)
        for fd in ready:
            part = os.read(fd, 1 << 16)
            if not part:
                del pipes[fd]
                continue
            output = outputs[pipes[fd]]
            room = MAX_OUTPUT - len(output)
            truncated = truncated or len(part) > room
            output += part[:room]
    process.stdout.close()
    process.stderr.close()
    return outputs, truncated
