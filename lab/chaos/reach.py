"""How a worker of the lab configures and judges simulated machines: over their entry, most of them without Ansible.

A real play costs seconds of CPU, so that hundreds of runs would measure Ansible. Here the nodes named in ``real`` are
configured by the real driver, its supervisor and its child, so that kills meet living plays; the others get one command in
place of the roles. The way in, the host key and the marks on the node are the same for all. Instead of the gate's probes,
one command asks the node who it is: what the gate makes of real outputs has its own tests.
"""

import asyncio
import json
import shlex
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from workflows.engine.ports import Ansible, Host, PlayResult
from workflows.model.desired import Desired
from workflows.model.errors import Refused, Unreachable
from workflows.model.keys import NodeKey
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport, Check, Verdict

_PROBE = "lab"
_PROBING = ("cat", "/proc/sys/kernel/random/boot_id")
_MAX_LINE = 1 << 16


@dataclass(frozen=True, slots=True)
class EntryAnsible:
    """Implements ``ports.Ansible``. ``sockets`` is where the rack's entries answer; ``key`` our public SSH key."""

    sockets: Path
    key: str
    driver: Ansible
    real: frozenset[NodeKey]

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """The roles by the real driver, or one command that stands for them."""
        if host.node in self.real:
            return await self.driver.play(host, playbook, variables, run=run, step=step, timeout=timeout)
        await self.shell(host, ("sync",), timeout=timeout)
        return PlayResult(ok=True, tasks=1)

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """The boot that runs, as the one probe's bundle."""
        return {_PROBE: (await self.shell(host, _PROBING, timeout=timeout)).encode()}

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """One command over the entry, as ``lab/rack/ssh_client.py`` does it, in this process."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._shell(host, shlex.join(command))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise Unreachable(f"{host.name} does not answer: {error or type(error).__name__}") from None

    async def _shell(self, host: Host, command: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self.sockets / host.address, limit=_MAX_LINE)
        try:
            shown = json.loads(await reader.readuntil())["host_key"]
            if shown.split()[:2] != host.host_key.split()[:2]:
                raise Unreachable(f"{host.name} shows another host key than the recorded one")
            asked = {"user": host.user, "key": self.key.split()[1], "command": command}
            writer.write(json.dumps(asked).encode() + b"\n")
            writer.write_eof()
            said: dict[int, bytes] = {1: b"", 2: b""}
            while True:
                channel, length = struct.unpack(">BI", await reader.readexactly(5))
                data = await reader.readexactly(length)
                if channel == 3:
                    break
                said[channel] += data
        finally:
            writer.close()
        if status := struct.unpack(">i", data)[0]:
            raise Refused(f"{host.name}: {command[:200]} ended with {status}: {said[2][:200].decode(errors='replace')}")
        return said[1].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class EntryJudge:
    """Implements ``ports.Judge`` over the one probe."""

    def probes(self, desired: Desired) -> Sequence[str]:
        """One for all."""
        return (_PROBE,)

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """The node answered; fails closed as the gate does."""
        answered = len(bundles.get(_PROBE, b"").strip()) == 36
        verdict = Verdict.PASS if answered else Verdict.ERROR
        return BurnInReport(level="lab", checks=(Check(id="boot-id", verdict=verdict, message="the node answers"),))
