"""A running subnet: ibsim and a real OpenSM, and the prefix with which any host's tools see it.

One process sees one adapter, named ``ibsim0``. At most 10 clients are taken at once, OpenSM included. Clients make a
directory ``sys-PID`` where they run, so each prefix changes to the subnet's own directory. By default ibsim listens on an
abstract Unix socket; with a port it listens on UDP (that port and the next ten), for machines and other namespaces.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lab.infiniband.topology import fat_tree, port_guid
from lab.process import LabProcess

PRELOAD = "/usr/lib/x86_64-linux-gnu/umad2sim/libumad2sim.so"
_START_SECONDS = 30.0


@dataclass(slots=True)
class Subnet:
    """Use as an asynchronous context manager; the subnet manager runs on ``manager``, one of the hosts.

    ``prefix`` goes before every process (``ip netns exec NAME``); ``address`` is where clients find a UDP server.
    ``topology`` is a fat tree of the hosts unless given; ``partitions`` are OpenSM's, its own default unless given.
    """

    directory: Path
    hosts: Sequence[str]
    manager: str
    prefix: tuple[str, ...] = ()
    port: int | None = None
    address: str = "127.0.0.1"
    topology: str | None = None
    partitions: str | None = None
    _name: str = field(default_factory=lambda: f"bringup-{secrets.token_hex(6)}")
    _sim: LabProcess | None = None
    _opensm: LabProcess | None = None
    _console: int = -1

    async def __aenter__(self) -> Self:
        try:
            await self._start_sim()
            await self.start_manager()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stop()

    def guid(self, host: str) -> str:
        """The port GUID of a host."""
        return port_guid(list(self.hosts).index(host))

    def recorded_lid(self, host: str) -> int:
        """The LID that OpenSM itself keeps for the host's port, by its own file; 0 where it keeps none."""
        records = self.directory / "guid2lid"
        rows = (line.split() for line in records.read_text().splitlines()) if records.exists() else ()
        return next((int(row[1], 16) for row in rows if row and row[0] == self.guid(host)), 0)

    def client_environment(self, host: str) -> dict[str, str]:
        """What a tool needs in its environment to be on that host of the subnet."""
        server = (
            {"IBSIM_SOCKNAME": self._name}
            if self.port is None
            else {"IBSIM_SERVER_NAME": self.address, "IBSIM_SERVER_PORT": str(self.port)}
        )
        return {**server, "SIM_HOST": host, "LD_PRELOAD": PRELOAD}

    def client_prefix(self, host: str) -> tuple[str, ...]:
        """The prefix that runs a tool as on that host. The preload starts after the namespace is entered."""
        variables = (f"{name}={value}" for name, value in self.client_environment(host).items())
        return (*self.prefix, "env", "-C", str(self.directory), *variables)

    def wrapper(self, host: str, tool: str, directory: Path) -> str:
        """A script that stands for the tool on a machine that is to be this host; ``directory`` is writable there."""
        variables = " ".join(f"{name}={value}" for name, value in self.client_environment(host).items())
        return f'#!/bin/sh\ncd {directory} && exec env {variables} /usr/sbin/{tool} "$@"\n'

    async def start_manager(self) -> None:
        """Start OpenSM and wait until the subnet is up."""
        log = self.directory / "opensm.log"
        own = (f"OSM_CACHE_DIR={self.directory}", f"OSM_TMP_DIR={self.directory}")
        partitions: tuple[str, ...] = ()
        if self.partitions is not None:
            path = self.directory / "partitions.conf"
            path.write_text(self.partitions)
            partitions = ("-P", str(path))
        argv = (*self.client_prefix(self.manager), *own, "opensm", "-f", str(log), "-s", "3", *partitions)
        self._opensm = await LabProcess.start(argv, output=self.directory / "opensm.out", cwd=self.directory)
        for host in (self.hosts[0], self.hosts[-1]):
            await self._shows(host, "State: Active")

    async def kill_manager(self) -> None:
        """Kill OpenSM: ports stay Active with their LIDs, as in a real subnet."""
        if self._opensm is not None:
            await self._opensm.end(signal.SIGKILL)

    async def command(self, line: str, *, host: str, until: str, tool: tuple[str, ...] = ("ibstat",)) -> None:
        """Type a line on ibsim's console and wait until a tool on ``host`` shows a text.

        ``Unlink "gpu03"[1]``, ``ReLink "gpu03"[1]``, ``Error "gpu03"[1] 50``, ``Clear "gpu03"[1]``,
        ``PerformanceSet "gpu03"[1] PortCounters.SymbolErrorCounter=120``.

        Raises:
            TimeoutError: it never showed it.
        """
        os.write(self._console, line.encode() + b"\n")
        await self._shows(host, until, tool)

    async def ask(self, host: str, *argv: str) -> str:
        """Run a tool as on that host; both outputs together."""
        process = await asyncio.create_subprocess_exec(
            *self.client_prefix(host),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return (await process.communicate())[0].decode(errors="replace")

    async def _shows(self, host: str, text: str, tool: tuple[str, ...] = ("ibstat",)) -> None:
        async with asyncio.timeout(_START_SECONDS):
            while text not in await self.ask(host, *tool):  # noqa: ASYNC110 - a tool's answer, no event of ours
                await asyncio.sleep(0.1)

    async def _start_sim(self) -> None:
        topology, console = self.directory / "net.topo", self.directory / "console"
        topology.write_text(self.topology or fat_tree(self.hosts))
        os.mkfifo(console, 0o600)
        self._console = os.open(console, os.O_RDWR)
        mode = ("-r", "-l", str(self.port)) if self.port is not None else ()
        argv = (*self.prefix, "env", f"IBSIM_SOCKNAME={self._name}", "ibsim", "-s", *mode, "-N", "96", str(topology))
        self._sim = await LabProcess.start(
            argv, output=self.directory / "ibsim.out", cwd=self.directory, stdin=self._console
        )
        await self._sim.until(lambda: "sim>" in self._sim.tail() if self._sim else False, "ibsim", _START_SECONDS)

    async def _stop(self) -> None:
        """OpenSM first: it hangs where its simulator is gone."""
        for process in (self._opensm, self._sim):
            if process is not None:
                await process.end()
        if self._console >= 0:
            os.close(self._console)
            self._console = -1
