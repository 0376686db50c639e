"""A network namespace for one NATS server, joined to the others by one cable that can be pulled.

Theory of operation. ``private_network`` moves this whole process, before it has any thread, into a namespace of its own:
what the lab does there can't touch the host's network, and it ends with us. The island is a second namespace; a pair of
virtual Ethernet ends is the cable. Pulled on the island's side it swallows packets in both directions without a word, as a
switch that died does: connections stay open and silent until somebody's patience ends.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lab.namespace import Namespace, ip, namespace
from workflows.model.errors import Refused

HERE, THERE = "10.254.77.1", "10.254.77.2"


def private_network() -> str:
    """Move this process into a network namespace of its own; returns why not, where that can't be done.

    Call it before any thread is made: threads that run already stay where they are.

    Raises:
        Refused: the namespace has no loopback, so nothing could run in it.
    """
    missing = [tool for tool in ("ip", "nsenter", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"network partitions: {', '.join(missing)} not found"
    try:
        os.unshare(os.CLONE_NEWNET)
    except PermissionError:
        return "network partitions: they need root"
    except OSError as error:
        return f"network partitions: {error.strerror}"
    done = subprocess.run(["ip", "link", "set", "lo", "up"], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"a network namespace of the lab's own has no loopback: {done.stderr.strip()[:200]}")
    return ""


@dataclass(frozen=True, slots=True)
class Island:
    """``space`` is where its server runs."""

    space: Namespace

    async def cut(self) -> None:
        """Pull the cable."""
        await ip(["link set shore down"], self.space.prefix)

    async def join(self) -> None:
        """Plug it in."""
        await ip(["link set shore up"], self.space.prefix)


@asynccontextmanager
async def island() -> AsyncIterator[Island]:
    """The island, joined: its address is ``THERE``, ours ``HERE``. Only in a private network.

    Raises:
        Refused: the kernel makes no such namespace or cable.
    """
    async with namespace() as space:
        await ip(
            [
                f"link add mainland type veth peer name shore netns {space.holder}",
                f"addr add {HERE}/30 dev mainland",
                "link set mainland up",
            ]
        )
        await ip(["link set lo up", f"addr add {THERE}/30 dev shore"], space.prefix)
        made = Island(space)
        await made.join()
        yield made
