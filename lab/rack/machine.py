"""A simulated machine behind a lab BMC: power, firmware, agent, installed system, each step as a real one takes it.

Theory of operation. One task is the machine; cancelling it is pulling the plug, at any line. From the network it runs
the boot service's scripts as iPXE would, and after the agent it starts again from its own disk, as the firmware does
when a one-time override is spent. A disk that boots nothing leaves a machine that is on and silent: it never fails
aloud, for real ones don't.
"""

import asyncio
import logging
import uuid
from pathlib import Path

from lab.disk import LabDisk
from lab.rack.agent import AgentFailed, Hardware, install
from lab.rack.counts import Counts
from lab.rack.entry import Entry
from lab.rack.image import bootable_root
from lab.rack.installed import phone_home, prepare
from lab.rack.ipxe import Firmware, Kernel
from lab.rack.wire import Wire
from workflows.model.errors import Transient

_log = logging.getLogger(__name__)
SYSTEM_DISK_MODEL = "LAB-SYSTEM"
_SYSTEM_DISK = 40 << 20
_DATA_DISK = 4 << 20


class SimulatedMachine:
    """Implements ``LabMachine``. ``address`` is its own loopback address, ``boot_url`` what DHCP would tell it.

    ``directory`` holds its disks and its root file system; ``sockets`` is where the way in appears, named by the address.
    ``post_seconds`` is how long its firmware takes before each boot.
    """

    def __init__(
        self,
        directory: Path,
        sockets: Path,
        *,
        serial: str,
        uuid: str,
        macs: tuple[str, ...],
        address: str,
        boot_url: str,
        post_seconds: float = 0.2,
    ):
        self.serial, self.uuid, self.macs, self.address = serial, uuid, macs, address
        self.counts = Counts()
        directory.mkdir(parents=True, exist_ok=True)
        self.system = LabDisk(directory / "system", f"{serial}-SYS", SYSTEM_DISK_MODEL, _SYSTEM_DISK)
        self.data = LabDisk(directory / "data", f"{serial}-DATA", "LAB-DATA", _DATA_DISK)
        self._root = directory / "root"
        self._boot_url, self._post_seconds = boot_url, post_seconds
        self._hardware = Hardware(serial, uuid, macs, (self.system, self.data), self._root, self.counts)
        self._entry = Entry(self._root, sockets / address, self.counts)
        self._task: asyncio.Task[None] | None = None

    async def power_on(self, network: bool) -> None:
        """Start it, unless it runs."""
        if not self.running():
            self._task = asyncio.create_task(self._run(network), name=f"machine {self.serial}")
            self._task.add_done_callback(_tell_of_a_fault_of_ours)

    async def power_off(self) -> None:
        """Pull the plug: nothing that ran on it goes on, nothing that was not on its disks is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def running(self) -> bool:
        """Whether it has power."""
        return self._task is not None and not self._task.done()

    async def _run(self, network: bool) -> None:
        if network:
            self.counts.network_boots += 1
            await self._boot_network()
        self.counts.disk_boots += 1
        await self._boot_disk()

    async def _boot_network(self) -> None:
        await asyncio.sleep(self._post_seconds)
        variables = {"netX/mac": self.macs[0], "serial": self.serial, "uuid": self.uuid, "platform": "efi"}
        async with Wire(self.address, self.counts) as wire:
            end = await Firmware(wire.get, asyncio.sleep, variables).run(f"{self._boot_url}/boot.ipxe")
            if isinstance(end, Kernel):
                try:
                    await install(self._hardware, end.arguments, wire)
                except (AgentFailed, Transient) as error:
                    _log.warning("agent ended serial=%s: %s", self.serial, error)

    async def _boot_disk(self) -> None:
        await asyncio.sleep(self._post_seconds)
        root_uuid = bootable_root(await asyncio.to_thread(self.system.read, 0, 512))
        if root_uuid is None or not (self._root / "etc/lab/root-uuid").exists():
            _log.warning("no operating system serial=%s", self.serial)
            await asyncio.Event().wait()
        boot_id = str(uuid.uuid4())
        prepare(self._root, boot_id, str(root_uuid))
        await self._entry.open()
        try:
            async with Wire(self.address, self.counts) as wire:
                await phone_home(self._root, boot_id, str(root_uuid), wire)
            await asyncio.Event().wait()
        finally:
            await self._entry.close()


def _tell_of_a_fault_of_ours(task: "asyncio.Task[None]") -> None:
    """A machine never ends by itself; if its task does, the simulation is wrong and says so."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the simulation of %s failed", task.get_name(), exc_info=error)
