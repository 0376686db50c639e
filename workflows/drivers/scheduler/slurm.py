"""Slurm, asked with ``scontrol`` and ``squeue`` on a host that has them.

Facts, by slurm-wlm 22.05's scontrol(1), squeue(1) and what its daemons were seen to answer: a node's ``State`` is a word
with flags (``IDLE+DRAIN``, ``DOWN+DRAIN+NOT_RESPONDING``); ``Reason`` ends with ``[user@time]``; a drain of a drained node
replaces the reason; ``resume`` clears drain and down alike; an unknown node is an error on standard output. Slurm has no
compare-and-set, so the reason is read right before a change: an administrator who drains the node within that moment has to
say it again.
"""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from workflows.drivers.scheduler.names import NodeNames, name_of
from workflows.engine.ports import Duty
from workflows.model.desired import Desired
from workflows.model.errors import Refused, Unreachable

MAX_OUTPUT = 1 << 20
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STATE = re.compile(r"^\s*State=(\S+)", re.MULTILINE)
_REASON = re.compile(r"^\s*Reason=(.*?)(?: \[[^\[\]]*@[^\[\]]*\])?\s*$", re.MULTILINE)
#: Every state in which a job has the node, by squeue(1), JOB STATE CODES. Pending ones have none, ended ones no longer.
_ON_THE_NODE = "RUNNING,COMPLETING,CONFIGURING,SUSPENDED,STOPPED,RESIZING,SIGNALING,STAGE_OUT"
#: Base words and flags, by scontrol(1), NODE STATES.
_CLOSED = frozenset({"DRAIN", "DRAINED", "DRAINING", "DOWN", "FAIL", "FAILING", "FUTURE"})
_BUSY = frozenset({"ALLOCATED", "MIXED", "COMPLETING"})
_SILENT = frozenset({"DOWN", "NOT_RESPONDING", "UNKNOWN", "FUTURE", "POWERED_DOWN", "POWERING_DOWN"})


@dataclass(frozen=True, slots=True)
class Slurm:
    """Implements ``Scheduler``. ``command_prefix`` goes before each command (``ssh login1``), ``timeout`` bounds each."""

    command_prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    names: NodeNames = NodeNames.SHORT
    timeout: timedelta = timedelta(seconds=20)

    async def duty(self, node: Desired) -> Duty | None:
        """How Slurm sees the node; None where it has none of that name."""
        name = name_of(node, self.names)
        shown = await self._show(name)
        if shown is None:
            return None
        # Jobs are listed after the state: one that started in between is in the list, and a drain seen holds for it too.
        listed = await self._ask(
            "squeue", "--noheader", f"--nodelist={name}", f"--states={_ON_THE_NODE}", "--format=%i %u"
        )
        jobs = tuple(
            f"job {number} of {user}" for number, _, user in (j.partition(" ") for j in listed.split("\n") if j)
        )
        words, reason = shown
        if not jobs and words & _BUSY:
            jobs = (f"a job that Slurm doesn't list (node state {'+'.join(sorted(words))})",)
        closed = bool(words & _CLOSED)
        return Duty(jobs=jobs, open=not closed, reason=reason if closed else "", present=not words & _SILENT)

    async def drain(self, node: Desired, reason: str) -> None:
        """Drain it with this reason, if nobody has closed it."""
        name = name_of(node, self.names)
        shown = await self._show(name)
        if shown is not None and not shown[0] & _CLOSED:
            await self._ask("scontrol", "update", f"nodename={name}", "state=drain", f"reason={reason}")

    async def resume(self, node: Desired, reason: str) -> None:
        """Resume it, if it is closed with exactly this reason."""
        name = name_of(node, self.names)
        shown = await self._show(name)
        if shown is not None and shown[0] & _CLOSED and shown[1] == reason:
            await self._ask("scontrol", "update", f"nodename={name}", "state=resume")

    async def _show(self, name: str) -> tuple[frozenset[str], str] | None:
        """State words and reason; None where Slurm knows no such node."""
        unknown = f"Node {name} not found"
        text = await self._ask("scontrol", "show", "node", name, unless=unknown)
        if unknown in text:
            return None
        state, reason = _STATE.search(text), _REASON.search(text)
        if state is None:
            raise Refused(f"scontrol show node {name} named no state: {' '.join(text.split())[:200]!r}")
        words = re.sub(r"[^A-Z_+]", "", state[1].upper()).split("+")
        return frozenset(w for w in words if w), reason[1] if reason else ""

    async def _ask(self, *argv: str, unless: str = "") -> str:
        """Standard output; a failure whose output has the words ``unless`` is an answer too.

        Raises:
            Unreachable: the command is missing, failed, or did not end in time; its words are in the message.
        """
        process = await self._start(argv)
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                out, err = await process.communicate()
        except TimeoutError:
            raise Unreachable(f"{argv[0]} did not end within {self.timeout.total_seconds():g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.shield(process.communicate())
        text = out[:MAX_OUTPUT].decode(errors="replace")
        if process.returncode != 0 and not (unless and unless in text):
            said = " ".join((err[:MAX_OUTPUT].decode(errors="replace") + text).split())[:200]
            raise Unreachable(f"{argv[0]} {argv[1]} ended with {process.returncode}: {said}")
        return text

    async def _start(self, argv: tuple[str, ...]) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self.command_prefix,
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env={"PATH": _PATH, "LC_ALL": "C", **self.environment},
            )
        except OSError as error:
            raise Unreachable(f"{argv[0]} can't be started: {error.strerror}") from None
