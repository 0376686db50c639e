"""The supervisor: a small process that runs one job and leaves nothing of it behind, whoever dies.

Theory of operation. ansible-playbook leaves its process group on purpose: its workers call ``setsid``, and ssh's
multiplexing master becomes a daemon. Killing one group misses them, and a parent-death signal fires when the forking
*thread* ends and misses grandchildren. So this process

1. makes itself the *child subreaper*: whatever is orphaned below it becomes its own child, nothing escapes it;
2. reads one job, a line of JSON, from its standard input, and keeps that pipe open: its end means that the worker is
   gone or has cancelled, whichever way it died;
3. makes the job's private directory (0700), forks the job from its only thread, and waits for the job's end, the
   pipe's end, the job's own deadline or a signal, whichever comes first. The deadline counts here too because a worker
   can be stopped (SIGSTOP, a frozen virtual machine) past the time that it would have kept;
4. kills everything below it until it has no child left, sends the files that were asked for, and removes the private
   directory with the key in it. A worker that was killed can't do that; this process can.

Only the standard library is imported; ansible-runner is imported in the forked child. Run with ``python -I``.

Lines to the worker: ``{"event": {…}}`` for each of the runner's events, ``{"file": NAME, "data": BASE64}`` for a file or
the next part of one, and at last ``{"end": {"why": "exited" | "deadline", "code": N}}``. No ``end`` means failure.
"""

import base64
import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_MAX_JOB = 16 << 20
_CHUNK = 192 << 10
_MAX_TEXT = 4096
_KILL_PATIENCE = 10.0
_EVENTS = frozenset(
    {
        "playbook_on_play_start",
        "playbook_on_task_start",
        "runner_on_ok",
        "runner_on_failed",
        "runner_on_unreachable",
        "runner_on_skipped",
        "runner_item_on_failed",
        "playbook_on_stats",
    }
)

type Job = dict[str, Any]


def main() -> int:
    """Run one job; see the module's text."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        return 70
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stopped)
    job = _read_job()
    if job is None:
        return 64
    directory = Path(job["directory"])
    directory.mkdir(mode=0o700, parents=False, exist_ok=False)
    try:
        try:
            _write_files(directory, job["files"])
            _write_archives(directory, job["archives"])
            end = _run(libc, job, directory)
        finally:
            _end_all_below()
        if end is not None:
            _send_files(directory, job)
            _say({"end": end})
        return 0
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _stopped(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _read_job() -> Job | None:
    """One line from standard input, read without buffering ahead; None if the pipe ended before its end."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = os.read(0, 1 << 16)
        if not part or len(data) > _MAX_JOB:
            return None
        data += part
    job: Job = json.loads(data)
    return job


def _write_files(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(text)


def _write_archives(directory: Path, archives: dict[str, dict[str, str]]) -> None:
    """Zip the Python files of packages; the same files give the same bytes, so a copy that is there already is kept."""
    for name, packages in archives.items():
        with zipfile.ZipFile(directory / name, "w") as archive:
            for inside, source in sorted(packages.items()):
                for parent in reversed(Path(inside).parents[:-1]):
                    archive.writestr(zipfile.ZipInfo(f"{parent}/"), b"")
                for path in sorted(Path(source).glob("*.py")):
                    archive.writestr(zipfile.ZipInfo(f"{inside}/{path.name}"), path.read_bytes())


def _run(libc: ctypes.CDLL, job: Job, directory: Path) -> dict[str, Any] | None:
    """Fork the job and wait. None where the worker is gone or has cancelled: then nobody is left to be told."""
    deadline = time.monotonic() + float(job["seconds"])
    myself = os.getpid()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == myself:
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(number, signal.SIG_DFL)
                code = _play(job, directory) if "playbook" in job else _command(job, directory)
        finally:
            os._exit(code)
    ended = os.pidfd_open(child)
    try:
        poll = select.poll()
        poll.register(0, select.POLLIN | select.POLLHUP)
        poll.register(ended, select.POLLIN)
        ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
    finally:
        os.close(ended)
    if 0 in ready:
        return None
    if not ready:
        return {"why": "deadline", "code": -1}
    _, status = os.waitpid(child, 0)
    return {"why": "exited", "code": os.waitstatus_to_exitcode(status)}


def _redirect(stdout: Path, stderr: Path) -> None:
    """Standard input from nowhere, outputs into files of the private directory."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(stdout, flags, 0o600), 1)
    os.dup2(os.open(stderr, flags, 0o600), 2)


def _command(job: Job, directory: Path) -> int:
    """In the child: become the command."""
    _redirect(directory / "stdout", directory / "stderr")
    os.chdir(directory)
    argv: list[str] = job["argv"]
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is what we want


def _play(job: Job, directory: Path) -> int:
    """In the child: run the playbook and hand its events to the worker as they come."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    _redirect(directory / "stdout", directory / "stderr")
    import ansible_runner

    def say(event: dict[str, Any]) -> bool:
        if event.get("event") in _EVENTS:
            events.write(json.dumps({"event": _brief(event)}) + "\n")
        return True

    runner = ansible_runner.run(
        private_data_dir=str(directory),
        project_dir=job["project"],
        playbook=job["playbook"],
        inventory=str(directory / "inventory.yml"),
        cmdline=f"--extra-vars @{directory / 'variables.yml'}",
        envvars=job["environment"],
        event_handler=say,
        settings={"idle_timeout": 0, "job_timeout": 0},
    )
    sys.stdout.flush()
    return int(runner.rc)


def _brief(event: dict[str, Any]) -> dict[str, Any]:
    """What a log reader needs of a runner event, bounded; what ``no_log`` hides stays hidden by Ansible itself."""
    data = event.get("event_data") or {}
    result = data.get("res") or {}
    brief: dict[str, Any] = {"event": event["event"]}
    for name in ("task", "role", "host"):
        if data.get(name):
            brief[name] = str(data[name])[:200]
    if result.get("changed"):
        brief["changed"] = True
    if data.get("ignore_errors"):
        brief["ignored"] = True
    if event["event"] in ("runner_on_failed", "runner_on_unreachable", "runner_item_on_failed"):
        brief["message"] = "\n".join(str(result[k]) for k in ("msg", "stderr") if result.get(k))[:_MAX_TEXT]
    if event["event"] == "playbook_on_stats":
        brief["changed_hosts"] = data.get("changed") or {}
    text = str(event.get("stdout") or "").strip()
    if text:
        brief["text"] = text[:_MAX_TEXT]
    return brief


def _send_files(directory: Path, job: Job) -> None:
    """Send what the job asks for, each file cut at ``max_bytes``."""
    for pattern in job["send"]:
        for path in sorted(directory.glob(pattern)):
            if path.is_symlink() or not path.is_file():
                continue
            left = int(job["max_bytes"])
            with path.open("rb") as file:
                while part := file.read(min(_CHUNK, left)):
                    left -= len(part)
                    _say({"file": path.name, "data": base64.b64encode(part).decode()})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _end_all_below() -> None:
    """Kill and reap until this process has no child left; orphans of those killed become its children meanwhile.

    A process in uninterruptible sleep can't be killed; after a bounded time it is left to the kernel.
    """
    patience = time.monotonic() + _KILL_PATIENCE
    while time.monotonic() < patience:
        for pid in _below(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _below(root: int) -> list[int]:
    """All descendants of a process, by the parents that /proc shows."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
                children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


if __name__ == "__main__":
    sys.exit(main())
