"""A machine on raw QEMU: implements ``lab.bmc.machine.LabMachine``.

Pure emulation (TCG): ``/dev/kvm`` may be there and useless. Each has two disks, an empty system disk and a data disk
with a file system that nobody may touch, and one NIC. A one-time network boot is real: QEMU hands the boot order to the
firmware at reset, so the machine is started stopped with the NIC first, the order is changed to disk first, and that
holds from its next reset on.
"""

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from boot.image.command import run
from lab.disk import LabDisk
from lab.qemu import qmp
from lab.qemu.network import Network
from lab.qemu.posts import PostCounter
from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json

_OVMF = Path("/usr/share/OVMF")
_DISKS = ("system", "data")
_MKFS = timedelta(minutes=1)


class Firmware(StrEnum):
    """What the machine boots with."""

    BIOS = "bios"
    UEFI = "uefi"


@dataclass(slots=True)
class QemuMachine:
    """One machine. ``number`` chooses its tap; ``directory`` keeps disks, firmware variables and the console's log.

    Disks are made with ``make_disks``; their serials are ``<serial>-system`` and ``<serial>-data``, which is what a
    disk hint names. ``memory_mib`` of 512 is enough for agent and system.
    """

    network: Network
    number: int
    directory: Path
    serial: str
    uuid: str
    macs: tuple[str, ...]
    firmware: Firmware = Firmware.UEFI
    memory_mib: int = 512
    disk_bytes: int = 4 << 30
    data_bytes: int = 1 << 30
    boots: int = 0
    _posts: PostCounter | None = field(default=None, repr=False)
    _process: "asyncio.subprocess.Process | None" = field(default=None, repr=False)
    _written_before: int = 0
    _data_before: str = ""

    @property
    def console(self) -> Path:
        """What the machine wrote on its serial line, over all boots."""
        return self.directory / "console.log"

    def disk(self, name: str) -> Path:
        """The file of ``system`` or ``data`` (raw, sparse)."""
        return self.directory / f"{name}.img"

    def disk_serial(self, name: str) -> str:
        """The serial that the machine sees: at most 20 bytes (virtio-blk)."""
        return f"{self.serial}-{name}"[-20:]

    def drive(self, name: str) -> LabDisk:
        """The same, to be read behind the machine's back; made where it isn't there."""
        size = self.disk_bytes if name == "system" else self.data_bytes
        return LabDisk(self.disk(name), self.disk_serial(name), "QEMU", size)

    def make_disks(self) -> None:
        """Create both disks where they aren't there: one empty, one with somebody's data on it. Blocks for a second.

        Raises:
            Refused: no file system could be made.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.drive("system")
        if not self.disk("data").exists():
            self.drive("data")
            _fill(self.disk("data"))
        self._data_before = self.drive("data").sha256()
        if self.firmware is Firmware.UEFI and not (self.directory / "vars.fd").exists():
            shutil.copyfile(_OVMF / "OVMF_VARS_4M.fd", self.directory / "vars.fd")

    async def power_on(self, network: bool) -> None:
        """Start it; on a running machine this does nothing.

        Raises:
            Refused: QEMU didn't start; the message ends with its last words.
        """
        if self.running():
            return
        self.boots += 1
        first, second = ("nic0", "disk0") if network else ("disk0", "nic0")
        with (self.directory / "qemu.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.network.inside(*self._command(nic_index=1 if network else 2)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await self._wait_for_monitor()
        self._posts = self._posts or PostCounter(self._events)
        await self._posts.started()
        commands: list[tuple[str, dict[str, Json]]] = []
        if network:
            # By way of 11 and 12, because an index may be given only once at a time.
            for device, index in ((first, 12), (second, 11), (second, 1), (first, 2)):
                path = f"/machine/peripheral/{device}"
                commands.append(("qom-set", {"path": path, "property": "bootindex", "value": index}))
        await qmp.ask(self._monitor, *commands, ("cont", {}))

    async def power_off(self) -> None:
        """Pull the plug; on a machine that is off this does nothing."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(Unreachable, Refused):
            self._written_before += await self._written_now()
        process.kill()
        await process.wait()
        assert self._posts is not None
        await self._posts.ended()

    def running(self) -> bool:
        """Whether QEMU lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def posts(self) -> int:
        """How often the machine has gone through its firmware, by QEMU's own word: its starts and its resets."""
        return self._posts.count if self._posts is not None else 0

    async def block_written(self) -> int:
        """Bytes that the guest has written to its system disk since this object was made, by QEMU's own count."""
        return self._written_before + (await self._written_now() if self.running() else 0)

    def data_untouched(self) -> bool:
        """Whether the data disk holds what it held when this object made or found it, by SHA-256. Blocks for a second."""
        return self.drive("data").sha256() == self._data_before

    @property
    def _monitor(self) -> Path:
        return self.directory / "qmp"

    @property
    def _events(self) -> Path:
        return self.directory / "qmp-events"

    async def _written_now(self) -> int:
        (stats,) = await qmp.ask(self._monitor, ("query-blockstats", {}))
        assert isinstance(stats, list)
        for drive in stats:
            assert isinstance(drive, dict)
            if drive.get("device") == "system":
                counts = drive["stats"]
                assert isinstance(counts, dict)
                return int(str(counts["wr_bytes"]))
        raise Refused(f"QEMU of {self.serial} shows no system disk")

    async def _wait_for_monitor(self) -> None:
        assert self._process is not None
        for _ in range(200):
            if self._process.returncode is not None:
                break
            with contextlib.suppress(Unreachable):
                await qmp.ask(self._monitor)
                return
            await asyncio.sleep(0.05)
        raise Refused(f"QEMU of {self.serial} did not start: {(self.directory / 'qemu.log').read_text()[-400:]}")

    def _command(self, nic_index: int) -> list[str]:
        for socket in (self._monitor, self._events):
            socket.unlink(missing_ok=True)
        words = [
            "qemu-system-x86_64", "-name", self.serial, "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
            "-smp", "1", "-m", str(self.memory_mib), "-nodefaults", "-display", "none", "-S", "-uuid", self.uuid,
            "-smbios", f"type=1,manufacturer=Lab,product=Lab,serial={self.serial},uuid={self.uuid}",
            "-object", "rng-random,id=r0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=r0",
            "-qmp", f"unix:{self._monitor},server=on,wait=off", "-qmp", f"unix:{self._events},server=on,wait=off",
            "-chardev", f"file,id=c0,path={self.console},append=on", "-serial", "chardev:c0",
            "-netdev", f"tap,id=n0,ifname={self.network.tap(self.number)},script=no,downscript=no",
            "-device", f"virtio-net-pci,id=nic0,netdev=n0,mac={self.macs[0]},bootindex={nic_index}",
        ]  # fmt: skip
        for index, name in enumerate(_DISKS):
            boot = f",bootindex={3 - nic_index}" if index == 0 else ""
            words += [
                "-drive", f"if=none,id={name},file={self.disk(name)},format=raw,cache=unsafe,discard=unmap",
                "-device", f"virtio-blk-pci,id=disk{index},drive={name},serial={self.disk_serial(name)}{boot}",
            ]  # fmt: skip
        if self.firmware is Firmware.UEFI:
            for file, readonly in ((_OVMF / "OVMF_CODE_4M.fd", "on"), (self.directory / "vars.fd", "off")):
                words += ["-drive", f"if=pflash,format=raw,readonly={readonly},file={file}"]
        return words


def _fill(disk: Path) -> None:
    """A file system with a label and files, as on a node whose data must outlive an install."""
    with tempfile.TemporaryDirectory() as directory:
        for number in range(8):
            (Path(directory) / f"shard-{number}").write_bytes(f"training data {number}\n".encode() * 60_000)
        run(["mkfs.ext4", "-q", "-F", "-L", "training-data", "-d", directory, disk], timeout=_MKFS)
