"""Nothing that a job started outlives the worker, the deadline or a cancel, however it hid."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.drivers_ansible.sshd import alive
from workflows.drivers.ansible.supervised import Job, private_directory, supervise
from workflows.model.errors import Transient

pytestmark = pytest.mark.real
_CHECKOUT = Path(__file__).resolve().parents[2]

_HIDERS = """
echo $$ > {pids}/shell
setsid sh -c 'echo $$ > {pids}/session; (setsid sh -c "echo \\$\\$ > {pids}/daemon; exec sleep 600" &) ; exec sleep 600' &
trap '' TERM HUP INT
while :; do sleep 1; done
"""
"""A child that ignores signals, a grandchild in a session of its own, and a daemon whose parents have ended."""


def _job(pids: Path, seconds: float = 60) -> Job:
    run = {"argv": ["sh", "-c", _HIDERS.format(pids=pids)]}
    return Job(private_directory(), {"key": "secret"}, run, ("stdout",), timedelta(seconds=seconds))


async def _until(ready: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(20):
            while not ready():  # noqa: ASYNC110 - other processes' doing, no event of ours
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError("still not so after 20 s") from None


async def _hidden(pids: Path) -> list[int]:
    """The three processes, once all of them run."""
    files = [pids / name for name in ("shell", "session", "daemon")]
    await _until(lambda: all(f.exists() and f.read_text().strip() for f in files))
    found = [int(f.read_text()) for f in files]
    assert alive(found) == found
    assert len({os.getsid(pid) for pid in found}) == 3
    return found


async def test_cancel_kills_everything_before_it_returns(tmp_path: Path) -> None:
    """The next holder may act as soon as the cancel is through."""
    job = _job(tmp_path)
    task = asyncio.create_task(supervise(job))
    hidden = await _hidden(tmp_path)
    assert (job.directory / "key").stat().st_mode & 0o777 == 0o600
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(hidden) == []
    assert not job.directory.exists()


async def test_deadline_kills_everything(tmp_path: Path) -> None:
    """And says that it is tried again."""
    job = _job(tmp_path, seconds=1.5)
    task = asyncio.create_task(supervise(job))
    hidden = await _hidden(tmp_path)
    with pytest.raises(Transient, match="deadline"):
        await task
    assert alive(hidden) == []
    assert not job.directory.exists()


_WORKER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from workflows.drivers.ansible.supervised import Job, supervise
directory, script = Path(sys.argv[1]), sys.argv[2]
job = Job(directory, {"key": "secret"}, {"argv": ["sh", "-c", script]}, (), timedelta(seconds=60))
asyncio.run(supervise(job))
"""


async def test_killed_worker_takes_everything_with_it(tmp_path: Path) -> None:
    """``kill -9`` of the worker: the processes end, and so does the directory with the key."""
    directory = private_directory()
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, str(directory), _HIDERS.format(pids=tmp_path), cwd=_CHECKOUT
    )
    try:
        hidden = await _hidden(tmp_path)
        assert directory.exists()
    finally:
        worker.kill()
        await worker.wait()
    await _until(lambda: not alive(hidden) and not directory.exists())


async def test_stopped_worker_does_not_stretch_the_deadline(tmp_path: Path) -> None:
    """A worker that is frozen past its lease: the supervisor counts for itself."""
    directory = private_directory()
    script = _WORKER.replace("seconds=60", "seconds=3")
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        str(directory),
        _HIDERS.format(pids=tmp_path),
        cwd=_CHECKOUT,
        stderr=asyncio.subprocess.DEVNULL,
    )
    hidden = await _hidden(tmp_path)
    worker.send_signal(signal.SIGSTOP)
    try:
        await _until(lambda: not alive(hidden))
    finally:
        worker.kill()
        await worker.wait()


async def test_job_knows_nothing_of_the_workers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's environment can hold secrets."""
    monkeypatch.setenv("BRINGUP_SECRET_TEST", "hunter2")
    job = Job(private_directory(), {}, {"argv": ["env"]}, ("stdout",), timedelta(seconds=20))
    ended = await supervise(job)
    assert ended.code == 0
    assert "PATH=" in ended.text("stdout")
    assert "hunter2" not in ended.text("stdout")


async def test_output_is_bounded(tmp_path: Path) -> None:
    """A job that prints without end fills no memory of ours."""
    argv = ["sh", "-c", "head -c 3000000 /dev/zero"]
    job = Job(private_directory(), {}, {"argv": list(argv)}, ("stdout",), timedelta(seconds=20), max_bytes=1000)
    assert len((await supervise(job)).files["stdout"]) == 1000
