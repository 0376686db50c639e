"""The RAM-disk agent of a simulated machine: the protocol of ``boot/agent/init``, line by line, on a disk in a file.

Theory of operation. Nothing is written before the boot service's *go*. Then, in this order: the marker's count, the
image range by range (each asked for until it comes: the boot service may die meanwhile), its hash, a new root UUID for
this grant, the identity, the host key, the report until it is acknowledged. Power may go at any line.
"""

import asyncio
import contextlib
import hashlib
import shutil
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from boot.agent_calls import Go
from boot.seed import SeedFile
from lab.disk import LabDisk
from lab.rack.counts import Counts
from lab.rack.host_key import make_host_key
from lab.rack.image import bootable_root, header
from lab.rack.wire import Wire
from workflows.model.errors import Refused, Transient
from workflows.model.grant import Machine, NextBoot, Report

_PAUSE_S = 0.5
_TRIES = 120
_KERNEL_PREFIX = "bringup."


type Ask = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the agent finds on the machine. ``root`` is the folder that stands for the root file system's content."""

    serial: str
    uuid: str
    macs: tuple[str, ...]
    disks: tuple[LabDisk, ...]
    root: Path
    counts: Counts


class AgentFailed(Refused):
    """The agent reported a failure, or got no grant; the machine boots its own disk next."""


async def install(hardware: Hardware, kernel: dict[str, str], wire: Wire) -> None:
    """Run the agent to its end, as the kernel's arguments tell it.

    Raises:
        AgentFailed: nothing was installed, or not well; the boot service was told why where it could be.
    """
    arguments = {name.removeprefix(_KERNEL_PREFIX): value for name, value in kernel.items()}
    authority = await _until_it_comes(partial(wire.get, f"{arguments['http']}/v1/ca.pem"))
    if hashlib.sha256(authority).hexdigest() != arguments["ca"]:
        raise AgentFailed("the boot service's CA is not the pinned one")
    wire.trust(authority)
    https, who = arguments["https"], {"token": arguments["token"], "nonce": str(uuid.uuid4())}
    machine = Machine(
        serial=hardware.serial,
        uuid=hardware.uuid,
        macs=hardware.macs,
        disks=tuple(disk.shown() for disk in hardware.disks),
        nonce=who["nonce"],
        firmware="uefi",
    )
    hello = {"token": who["token"], "machine": machine.model_dump(mode="json")}
    try:
        go = Go.decode(await _until_it_comes(partial(wire.post, f"{https}/v1/agent/hello", hello)))
    except Refused as refusal:
        raise AgentFailed(f"no grant: {refusal}") from None
    try:
        report = await _write(hardware, go, wire, https, who)
    except (Refused, Transient, ValueError) as error:
        report = Report(ok=False, message=str(error))
    if report.ok:
        await asyncio.to_thread(_write_identity, hardware.root, go, authority, report.root_uuid)
        report = report.model_copy(update={"host_key": make_host_key(hardware.root / "etc/ssh")})
    told = {**who, "report": report.model_dump(mode="json")}
    await _until_it_comes(partial(wire.post, f"{https}/v1/agent/report", told))
    if not report.ok:
        raise AgentFailed(report.message)


async def _write(hardware: Hardware, go: Go, wire: Wire, https: str, who: dict[str, str]) -> Report:
    disk = next((disk for disk in hardware.disks if disk.serial == go.disk), None)
    if disk is None:
        raise AgentFailed(f"disk {go.disk} of the grant is not on this machine")
    image, digest, done = go.image, hashlib.sha256(), 0
    hardware.counts.wiped_under.append(go.grant)
    writes = await asyncio.to_thread(disk.count_write, go.grant)
    while done < image.size:
        first, last = done, min(done + go.chunk, image.size) - 1
        part = await _until_it_comes(partial(wire.get, go.image_url, first=first, last=last))
        await asyncio.to_thread(disk.write, done, part)
        digest.update(part)
        done += len(part)
        hardware.counts.bytes_written += len(part)
        with contextlib.suppress(Transient):
            await wire.post(f"{https}/v1/agent/progress", {**who, "done": done, "total": image.size})
    if digest.hexdigest() != image.raw_sha256:
        raise AgentFailed(f"the image's hash is {digest.hexdigest()}, the release says {image.raw_sha256}")
    if bootable_root(await asyncio.to_thread(disk.read, 0, 512)) != image.root_uuid:
        raise AgentFailed(f"no root file system {image.root_uuid} on disk {go.disk}")
    root_uuid = str(uuid.uuid4())
    await asyncio.to_thread(disk.write, 0, header(root_uuid))
    return Report(
        ok=True,
        message="installed",
        bytes_written=done,
        raw_sha256=digest.hexdigest(),
        root_uuid=root_uuid,
        writes_on_disk=writes,
        next=NextBoot.FIRMWARE,
        next_reason="a simulated machine has no kexec",
    )


def _write_identity(root: Path, go: Go, authority: bytes, root_uuid: str) -> None:
    """The new root file system: nothing of the old one is left."""
    shutil.rmtree(root, ignore_errors=True)
    for seed in (*go.seed.always, *go.seed.plain):
        _write_file(root, seed)
    _write_file(root, SeedFile(path="/etc/bringup/ca.pem", text=authority.decode()))
    _write_file(root, SeedFile(path="/etc/bringup/grant", text=f"{go.grant}\n"))
    _write_file(root, SeedFile(path="/etc/lab/root-uuid", text=f"{root_uuid}\n"))


def _write_file(root: Path, seed: SeedFile) -> None:
    path = (root / seed.path.lstrip("/")).resolve()
    if not path.is_relative_to(root.resolve()):
        raise AgentFailed(f"the seed names {seed.path}, which is outside the root file system")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(seed.text)
    path.chmod(int(seed.mode, 8))


async def _until_it_comes(ask: Ask) -> bytes:
    """Ask again while the boot service is away; a refusal passes through at once."""
    for _ in range(_TRIES - 1):
        try:
            return await ask()
        except Transient:
            await asyncio.sleep(_PAUSE_S)
    return await ask()
