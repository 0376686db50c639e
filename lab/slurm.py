"""A real Slurm for the lab: munged, slurmctld and slurmd on free ports of loopback, and jobs to run on its one node.

A second node stands in its configuration and is served by nobody: one that does not answer.
"""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from lab.nfs import free_port
from lab.process import LabProcess

SILENT = "gpu-404"
_START_SECONDS = 30.0


class LabSlurm:
    """Use as an asynchronous context manager, as root: munged runs as its own user, everything else as root."""

    def __init__(self, node: str = "gpu-001"):
        self.node = node
        self._directory = Path(
            tempfile.mkdtemp(prefix="slurm-")
        )  # short and not below a private directory: munged's too
        self._conf = self._directory / "slurm.conf"
        self._stack = AsyncExitStack()
        self._slurmd: LabProcess | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes Slurm's commands ask this one."""
        return {"SLURM_CONF": str(self._conf)}

    async def __aenter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self._directory, ignore_errors=True)
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def serve(self, *options: str) -> None:
        """Start the node's daemon; with ``-b`` it reports that the node has booted."""
        argv = ("slurmd", "-D", "-N", self.node, "-f", str(self._conf), *options)
        self._slurmd = await LabProcess.start(argv, output=self._directory / "slurmd.out", cwd=self._directory)

    async def silence(self) -> None:
        """End the node's daemon, as a node that is off does."""
        if self._slurmd is not None:
            await self._slurmd.end()
            self._slurmd = None

    async def ask(self, *argv: str) -> str:
        """One of Slurm's commands; its standard output. Raises RuntimeError where it fails."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )
        out, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {out.decode(errors='replace')[-500:]}")
        return out.decode()

    async def job(self, seconds: float) -> str:
        """Start a job that sleeps, and wait until it runs; returns its number."""
        wrapped = f"--wrap=sleep {seconds:g}"
        said = await self.ask(
            "sbatch", "--parsable", f"--nodelist={self.node}", "--chdir=/", "--output=/dev/null", wrapped
        )
        number = said.strip()
        await self._until("squeue", f"--job={number}", "--noheader", "--format=%T", shows="RUNNING")
        return number

    async def state(self, node: str = "") -> str:
        """The node's state words and its reason, as Slurm shows them."""
        return (await self.ask("sinfo", "--noheader", "-N", f"-n{node or self.node}", "--format=%T %E")).strip()

    async def _start(self) -> None:
        munge = self._directory / "munge"
        munge.mkdir()
        for path in (self._directory, munge):
            path.chmod(0o711)
        key, sock = munge / "key", munge / "socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for path in (munge, key):
            shutil.chown(path, "munge", "munge")
        self._conf.write_text(_configuration(self._directory, self.node, sock))
        files = [f"--{name}-file={munge / name}" for name in ("key", "pid", "log", "seed")]
        await self._daemon(
            "munged", *("runuser", "-u", "munge", "--", "munged", "-F", "--force", f"--socket={sock}", *files)
        )
        await self._daemon("slurmctld", "slurmctld", "-D", "-i", "-f", str(self._conf))
        await self.serve()
        self._stack.push_async_callback(self.silence)
        await self._until("sinfo", "--noheader", "-N", f"-n{self.node}", "--format=%T", shows="idle")

    async def _daemon(self, name: str, *argv: str) -> None:
        process = await LabProcess.start(argv, output=self._directory / f"{name}.out", cwd=self._directory)
        self._stack.push_async_callback(process.end)

    async def _until(self, *argv: str, shows: str) -> None:
        """Until a command says exactly this; a controller that isn't up yet answers nothing."""
        said = ""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while said != shows:
                    await asyncio.sleep(0.1)
                    try:
                        said = (await self.ask(*argv)).strip()
                    except RuntimeError as error:
                        said = str(error)
        except TimeoutError:
            raise RuntimeError(f"{' '.join(argv)} never said {shows!r}, last: {said[-500:]}") from None


def _configuration(directory: Path, node: str, munge: Path) -> str:
    host = socket.gethostname().partition(".")[0]
    ports = [free_port() for _ in range(3)]
    return f"""
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
SlurmUser=root
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
SlurmdTimeout=3
MpiDefault=none
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName={SILENT} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=all Nodes={node},{SILENT} Default=YES MaxTime=INFINITE State=UP
"""
