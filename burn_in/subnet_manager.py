"""The subnet manager's side of an InfiniBand port: what it knows of a GUID and of the LID that the node claims.

``SubnetManager`` is the port; ``InfinibandDiags`` asks with infiniband-diags on a host that is in the subnet.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from burn_in.readers.ibnetdiscover import Fabric, read_ibnetdiscover
from burn_in.readers.pkeys import read_pkeys
from burn_in.readers.saquery import NodeRecord, read_node_description, read_node_record
from burn_in.readers.sminfo import SubnetManagerInfo, read_sminfo
from burn_in.readers.unreadable import Unreadable

_MAX_OUTPUT = 32 << 20
_EXIT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SubnetView:
    """What the manager's side answered. A part that did not come is None, with its reason in ``trouble``.

    ``description`` came from the port itself, reached by its GUID; ``record`` says which port has the LID (None with no
    trouble: nobody has it). ``pkeys``: the partitions that the LID's port is in. ``raw`` is the evidence.
    """

    manager: SubnetManagerInfo | None
    description: str | None
    record: NodeRecord | None
    trouble: tuple[str, ...]
    raw: bytes
    pkeys: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class FabricView:
    """What is linked to what, seen from the manager's side; None with the reason in ``trouble``. ``raw`` is the evidence."""

    fabric: Fabric | None
    trouble: str
    raw: bytes


class SubnetManager(Protocol):
    """Asks a subnet's manager."""

    async def see(self, guid: str, lid: int) -> SubnetView:
        """What is known of a port GUID (16 hex digits) and of a LID. Never raises for what the subnet answers."""

    async def links(self) -> FabricView:
        """Every link of the subnet. Never raises for what the subnet answers."""


@dataclass(frozen=True, slots=True)
class InfinibandDiags:
    """Asks with ``sminfo``, ``smpquery`` (``-G`` is resolved by the subnet administrator), ``saquery``, ``ibnetdiscover``.

    ``command_prefix`` goes before each command (a namespace, ssh to a management host), ``environment`` is added to an
    otherwise bare one. One question at a time: the tools are quick, and simulated subnets take few clients.
    """

    command_prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(seconds=10)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def see(self, guid: str, lid: int) -> SubnetView:
        """See ``SubnetManager``."""
        async with self._turn:
            sminfo, sminfo_trouble = await self._ask("sminfo")
            describe, describe_trouble = await self._ask("smpquery", "-G", "nodedesc", f"0x{guid}")
            record_text, record_trouble = await self._ask("saquery", "NR", str(lid))
            keys_text, keys_trouble = await self._ask("smpquery", "pkeys", str(lid))
        trouble = [t for t in (sminfo_trouble, describe_trouble, record_trouble, keys_trouble) if t]
        manager, description, record, keys = None, None, None, None
        if not sminfo_trouble:
            with _noted(trouble):
                manager = read_sminfo(sminfo)
        if not describe_trouble:
            with _noted(trouble):
                description = read_node_description(describe)
        if not record_trouble:
            with _noted(trouble):
                record = read_node_record(record_text)
        if not keys_trouble:
            with _noted(trouble):
                keys = read_pkeys(keys_text)
        raw = "\n".join(
            f"$ {name}\n{text}{trouble}"
            for name, text, trouble in (
                ("sminfo", sminfo, sminfo_trouble),
                (f"smpquery -G nodedesc 0x{guid}", describe, describe_trouble),
                (f"saquery NR {lid}", record_text, record_trouble),
                (f"smpquery pkeys {lid}", keys_text, keys_trouble),
            )
        )
        return SubnetView(manager, description, record, tuple(trouble), raw.encode(), keys)

    async def links(self) -> FabricView:
        """See ``SubnetManager``."""
        async with self._turn:
            text, trouble = await self._ask("ibnetdiscover")
        raw = f"$ ibnetdiscover\n{text}{trouble}".encode()
        if trouble:
            return FabricView(None, trouble, raw)
        try:
            return FabricView(read_ibnetdiscover(text), "", raw)
        except Unreadable as error:
            return FabricView(None, str(error), raw)

    async def _ask(self, *argv: str) -> tuple[str, str]:
        """Standard output, and in words what went wrong."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command_prefix,
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **self.environment},
            )
        except OSError as error:
            return "", f"{argv[0]}: {error.strerror}"
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                out, err = await process.communicate()
        except TimeoutError:
            return "", f"{argv[0]} did not end within {self.timeout.total_seconds():g} s"
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                async with asyncio.timeout(_EXIT.total_seconds()):
                    await asyncio.shield(process.communicate())
        text, said = out[:_MAX_OUTPUT].decode(errors="replace"), " ".join(err.decode(errors="replace").split())[:200]
        if process.returncode != 0:
            return text, f"{argv[0]} ended with {process.returncode}: {said}"
        return text, ""


@contextlib.contextmanager
def _noted(trouble: list[str]) -> Iterator[None]:
    try:
        yield
    except Unreadable as error:
        trouble.append(str(error))
