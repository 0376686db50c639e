"""A process on the standing loop doesn't notice that it was stopped; one on an ordinary loop does."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.real

PROGRAM = """
import asyncio, sys
from lab.chaos.standing import StandingLoop
async def main():
    loop = asyncio.get_running_loop()
    pulse = asyncio.create_task(loop.pulse()) if isinstance(loop, StandingLoop) else None
    began = loop.time()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(loop.time() - began, flush=True)
with asyncio.Runner(loop_factory=StandingLoop if sys.argv[1] == "standing" else None) as runner:
    runner.run(main())
"""
PAUSE = 4.0


@pytest.mark.parametrize(("clock", "notices"), [("standing", False), ("passing", True)])
def test_a_pause_is_noticed_only_by_a_clock_that_passes(clock: str, notices: bool) -> None:
    argv = [sys.executable, "-c", PROGRAM, clock]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(PAUSE)
            process.send_signal(signal.SIGCONT)
            process.stdin.write("\n")
            process.stdin.flush()
            lived = float(process.stdout.readline())
        finally:
            process.kill()
    assert (lived >= PAUSE) is notices
