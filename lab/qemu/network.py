"""A network namespace with a bridge and taps: the lab's provisioning network.

Guests need no route and no port of the host; ours listens inside by sockets bound there.
"""

import os
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

from lab.namespace import Namespace, ip, namespace
from workflows.model.errors import Refused

BRIDGE = "br0"
#: dnsmasq advertises a router for it, without which Debian's iPXE waits 13 s at each boot.
ADVERTISED = "fd77:7::"


@dataclass(frozen=True, slots=True)
class Network(Namespace):
    """The namespace. ``address`` is the bridge's own, where the boot service listens."""

    address: IPv4Interface

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
    async with namespace() as space:
        made = Network(space.holder, IPv4Interface(address))
        batch = [
            "link set lo up",
            f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0",
            f"addr add {address} dev {BRIDGE}",
            f"addr add {ADVERTISED}1/64 dev {BRIDGE} nodad",
            f"link set {BRIDGE} up",
        ]
        for number in range(taps):
            batch += [f"tuntap add dev {made.tap(number)} mode tap", f"link set {made.tap(number)} master {BRIDGE} up"]
        await ip(batch, made.prefix)
        yield made
