"""Thousands of simulated nodes in one process: BMC, machine and boot service at once, as cheap as they can be made.

``python benchmarks/simulated_nodes.py NATS_URL DIRECTORY COUNT BMC``: BMC is ``fake`` (lines of JSON on a socket, the least
that a BMC can be) or ``redfish`` (the lab's stateful Redfish over HTTP, a listener a machine). A machine that is powered on
for a network boot takes its grant from the store and reports at once, as boot service and agent would between them.
``nodes.json`` is written once all listen; ``counts.json`` at SIGTERM: what the BMCs were asked, and what of it came before
the first network boot.
"""

import asyncio
import json
import signal
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.bmc.bmc import LabBmc
from lab.bmc.ledger import Ledger
from lab.bmc.server import serve
from lab.bmc.traits import Traits
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login
from workflows.model.errors import Conflict
from workflows.model.grant import Disk, Grant, GrantState, Machine, Report, grant_name

SITE, SOCKET = "bench", "nodes.sock"
_INSTANT = Traits(power_seconds=0.0, session_limit=64)


@dataclass
class Node:
    """One machine with a fake BMC's state; implements ``LabMachine`` for the Redfish one."""

    name: str
    site: JetStreamSite
    serial: str
    uuid: str
    macs: tuple[str, ...]
    on: bool = False
    once: bool = False
    boots: int = 0
    root_uuid: str = ""
    grant: str = "none"
    mark: str = ""
    sessions: int = 0
    ended: set[int] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    asked_before_boot: Counter[str] = field(default_factory=Counter)
    ledger: Ledger | None = None

    async def power_on(self, network: bool) -> None:
        """Start, and take the grant where the network was asked for."""
        if self.on:
            return
        self.on, self.once = True, False
        self.boots += 1
        if network:
            if self.boots == 1:
                self.asked_before_boot = self.requests()
            await self._network_boot()

    def requests(self) -> Counter[str]:
        """What its BMC was asked so far, by verb and path."""
        if self.ledger is None:
            return Counter(self.asked)
        found = Counter[str]()
        for (verb, path), number in self.ledger.requests.items():
            found[f"{verb} {path if '/Sessions/' not in path else path.rpartition('/')[0] + '/N'}"] += number
        return found

    async def power_off(self) -> None:
        """Stop."""
        self.on = False

    def running(self) -> bool:
        """Whether it runs."""
        return self.on

    async def _network_boot(self) -> None:
        store = self.site.store
        for value in await store.list(f"grant.{SITE}.{self.name}.>"):
            grant = Grant.decode(value.data or b"")
            if grant.state is not GrantState.OPEN:
                continue
            disk = Disk(id=f"{self.serial}-SYS", device="vda", size=8 << 30, serial=f"{self.serial}-SYS")
            machine = Machine(serial=self.serial, uuid=self.uuid, macs=self.macs, disks=(disk,), nonce=str(self.boots))
            self.root_uuid, self.mark = str(uuid.uuid4()), ""
            report = Report(ok=True, host_key="ssh-ed25519 AAAA", root_uuid=self.root_uuid, bytes_written=1000)
            try:
                taken = grant.to(GrantState.TAKEN, machine=machine.model_dump(), disk=disk.model_dump())
                seq = await store.put(value.key, taken.encode(), expect=value.seq)
                reported = taken.to(GrantState.REPORTED, report=report.model_dump())
                await store.put(value.key, reported.encode(), expect=seq)
            except Conflict:
                return
            self.grant = grant_name(grant.node, grant.cause, grant.attempt)
            await self.site.bus.wake(grant.node)

    def shell(self, command: str) -> tuple[int, str]:
        """What SSH would run: exit status and output."""
        if not self.on or not self.root_uuid:
            return 255, ""
        if "boot_id" in command:
            return 0, f"{uuid.uuid5(uuid.NAMESPACE_OID, f'{self.name}{self.boots}')}\n{self.root_uuid}\n{self.grant}\n"
        if "printf" in command:
            self.mark = command.split("printf %s ")[1].split(" ")[0]
        if command.startswith("cat"):
            return (0, self.mark) if self.mark else (1, "")
        return 0, ""

    async def bmc(self, verb: str, value: Any) -> Any:
        """The fake BMC: sessions, power, boot override, identity."""
        match verb:
            case "facts":
                return [self.serial, self.uuid, self.on, self.once]
            case "open":
                self.sessions += 1
                return self.sessions
            case "end":
                self.ended.add(int(value))
                return True
        session, wanted = value
        if session in self.ended:
            return None
        if verb == "boot":
            self.once = wanted
        elif wanted:
            await self.power_on(self.once)
        else:
            await self.power_off()
        return True


async def main(url: str, directory: Path, count: int, kind: str) -> None:
    """Serve until SIGTERM."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with open_site([url], Login("machines"), SITE) as site:
        nodes = {
            name: Node(name, site, f"SN{i:05}", str(uuid.uuid5(uuid.NAMESPACE_OID, name)), (_mac(i),))
            for i, name in ((i, f"n{i:05}") for i in range(1, count + 1))
        }
        nodes_of = {node.serial: node for node in nodes.values()}
        served = [await serve(LabBmc(node, traits=_INSTANT)) for node in nodes.values()] if kind == "redfish" else []
        for one in served:
            nodes_of[one.bmc.machine.serial].ledger = one.bmc.ledger
        addresses = {s.bmc.machine.serial: s.url for s in served}

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """One worker's connection; each line is answered when it is done, in any order."""
            tasks = set()

            async def act(asked: list[Any]) -> None:
                number, name, verb, value = asked
                node = nodes[name]
                if verb == "shell":
                    said = node.shell(value)
                else:
                    node.asked[verb] += 1
                    said = await node.bmc(verb, value)
                writer.write(json.dumps([number, said]).encode() + b"\n")

            while line := await reader.readline():
                task = asyncio.create_task(act(json.loads(line)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            writer.close()

        listening = await asyncio.start_unix_server(answer, directory / SOCKET)
        about = [[n.name, n.serial, n.uuid, n.macs[0], addresses.get(n.serial, "10.0.0.1")] for n in nodes.values()]
        (directory / "nodes.json").write_text(json.dumps(about))
        await told.wait()
        listening.close()
        whole, before = Counter[str](), Counter[str]()
        for node in nodes.values():
            whole += node.requests()
            before += node.asked_before_boot
        (directory / "counts.json").write_text(json.dumps({"whole": whole, "before": before}))


def _mac(i: int) -> str:
    return f"02:00:00:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
