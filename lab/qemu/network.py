"""A network namespace with a bridge and taps: the lab's provisioning network.

The namespace has no name: a holder process keeps it, and dies with us (parent-death signal), so that a killed test
leaves nothing behind. Guests need no route and no port of the host; ours listens inside by sockets bound there.
"""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

from workflows.model.errors import Refused

BRIDGE = "br0"
#: dnsmasq advertises a router for it, without which Debian's iPXE waits 13 s at each boot.
ADVERTISED = "fd77:7::"
#: Makes a child die with the thread that started it; the event loop's thread, which lives as long as the process.
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(frozen=True, slots=True)
class Network:
    """The namespace. ``address`` is the bridge's own, where the boot service listens."""

    holder: int
    address: IPv4Interface

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command to run it in the namespace."""
        return ("nsenter", f"--net=/proc/{self.holder}/ns/net", "--")

    def inside(self, *argv: str) -> list[str]:
        """The command to run in the namespace; it dies with the thread that starts it."""
        return [*WITH_US, *self.prefix, *argv]

    def tap(self, number: int) -> str:
        """The name of a machine's tap."""
        return f"tap{number}"

    def bind(self, port: int = 0) -> socket.socket:
        """A TCP socket bound to the bridge's address inside; a namespace is entered by a thread, which then ends."""
        made: list[socket.socket] = []

        def enter() -> None:
            with Path(f"/proc/{self.holder}/ns/net").open() as namespace:
                os.setns(namespace.fileno(), os.CLONE_NEWNET)
            made.append(socket.create_server((str(self.address.ip), port), backlog=128))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if not made:
            raise Refused(f"no socket could be bound to {self.address.ip}:{port} in the lab's namespace")
        return made[0]


@asynccontextmanager
async def network(address: str, taps: int) -> AsyncIterator[Network]:
    """A network with this address (``10.77.0.1/24``) and this many taps, gone with the block.

    Raises:
        Refused: not root, or a kernel without network namespaces.
    """
    holder = await asyncio.create_subprocess_exec(
        *WITH_US, "unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        if await holder.stdout.readline() != b"ready\n":
            raise Refused("no network namespace could be made: the QEMU lab needs root")
        made = Network(holder.pid, IPv4Interface(address))
        batch = [
            "link set lo up",
            f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0",
            f"addr add {address} dev {BRIDGE}",
            f"addr add {ADVERTISED}1/64 dev {BRIDGE} nodad",
            f"link set {BRIDGE} up",
        ]
        for number in range(taps):
            batch += [f"tuntap add dev {made.tap(number)} mode tap", f"link set {made.tap(number)} master {BRIDGE} up"]
        await _run(made.inside("ip", "-batch", "-"), "\n".join(batch).encode())
        yield made
    finally:
        holder.kill()
        await holder.wait()


async def _run(argv: Sequence[str], stdin: bytes) -> None:
    child = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    _, error = await child.communicate(stdin)
    if child.returncode != 0:
        raise Refused(f"{argv[-1]} ended with {child.returncode}: {error.decode(errors='replace').strip()[-400:]}")
