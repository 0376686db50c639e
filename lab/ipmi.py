"""IPMI BMCs of the lab: OpenIPMI's ``ipmi_sim``, whose chassis control switches a lab machine.

The BMC names the enterprise 32473, which RFC 5612 reserves for documentation.

Theory of operation. ``ipmi_sim`` calls a program for each question about power and boot. That program is a few lines that
pass the question over a Unix socket to this process, where the machine lives, and print the answer. ``boot pxe`` holds for
one boot, as the boot flags do. The simulator dies with its owner: it is started with a parent-death signal.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.bmc.machine import LabMachine
from lab.ipmi_files import emulation, lan
from workflows.model.errors import Unreachable

_START = 10.0
_PING = bytes.fromhex("0600ff06000011be80000000")
"""ASF presence ping (DSP0136, 3.2.4.2): answered by any RMCP service, without a session."""

_ASK = """\
import socket, sys
with socket.socket(socket.AF_UNIX) as ask:
    ask.connect({path!r})
    ask.sendall(" ".join(sys.argv[2:]).encode() + b"\\n")
    ask.shutdown(socket.SHUT_WR)
    sys.stdout.write(ask.makefile().read())
"""


class ServedIpmi:
    """A running ``ipmi_sim``; an asynchronous context manager. ``asked`` lists what it asked of the machine."""

    def __init__(self, machine: LabMachine, address: str):
        self.machine, self.address = machine, address
        self.asked: list[str] = []
        self._boot = "default"
        self._process: asyncio.subprocess.Process | None = None
        self._chassis: asyncio.Server | None = None

    async def start(self, directory: Path, username: str, password: str) -> None:
        """Start it in a directory of its own. Raises Unreachable where it does not answer within 10 s."""
        host, _, port = self.address.rpartition(":")
        path, ask, state = directory / "chassis", directory / "ask.py", directory / "state"
        state.mkdir()
        ask.write_text(_ASK.format(path=str(path)))
        program = f"{sys.executable} -IS {ask}"
        (directory / "lan.conf").write_text(lan(host, port, self.machine.uuid, program, username, password))
        (directory / "lan.conf").chmod(0o600)
        (directory / "sim.emu").write_text(emulation(self.machine.serial))
        self._chassis = await asyncio.start_unix_server(self._answer, path)
        sim = ("ipmi_sim", "-c", directory / "lan.conf", "-f", directory / "sim.emu", "-s", state, "-n")
        self._process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "--", *sim, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_START):
                await _pong(host, int(port))
        except TimeoutError:
            await self.close()
            raise Unreachable(f"ipmi_sim on {self.address} did not answer: run it without -n and look for **") from None

    async def close(self) -> None:
        """Stop it; the machine stays as it is."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._chassis is not None:
            self._chassis.close()

    def freeze(self) -> None:
        """Stop answering, as a hung BMC does, until it is closed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = (await reader.readline()).decode().split()
        self.asked.append(" ".join(words))
        try:
            writer.write(await self._control(words))
            await writer.drain()
        finally:
            writer.close()

    async def _control(self, words: list[str]) -> bytes:
        match words:
            case ["get", *wanted]:
                now = {"power": f"power:{int(self.machine.running())}\n", "boot": f"boot:{self._boot}\n"}
                return "".join(now.get(name, "") for name in wanted).encode()
            case ["set", "boot", device]:
                self._boot = "default" if device == "none" else device
            case ["set", "power", "1"]:
                network, self._boot = self._boot == "pxe", "default"
                await self.machine.power_on(network)
            case ["set", "power", "0"]:
                await self.machine.power_off()
        return b""


async def serve_ipmi(
    machine: LabMachine,
    directory: Path,
    *,
    username: str = "bringup",
    password: str = "lab-password",  # noqa: S107
    host: str = "127.0.0.1",
) -> ServedIpmi:
    """Serve a machine's IPMI BMC on a free UDP port of ``host``; ``directory`` is empty and its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    served = ServedIpmi(machine, f"{host}:{port}")
    await served.start(directory, username, password)
    return served


async def _pong(host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ping:
        ping.setblocking(False)
        ping.connect((host, port))
        while True:
            try:
                await loop.sock_sendall(ping, _PING)
                async with asyncio.timeout(0.1):
                    await loop.sock_recv(ping, 64)
            except (TimeoutError, ConnectionRefusedError):
                await asyncio.sleep(0.05)
            else:
                return
