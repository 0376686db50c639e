"""What BMCs cost a worker: 1,000 of them polled for power, and how many requests each verb sends.

The BMCs are the lab's, with TLS, in a process of their own, so that CPU and memory are the worker's side alone. The first
round meets each BMC for the first time and finds its way; the second is what every later look costs. Requests are counted by
the BMCs themselves, on each kind, with the read-back that proves them. A deployment is: identify, session, off, network
boot, on, and the proof boot (off, disk, on). Beside them stand those of OpenStack Ironic, as they were given to us: they
were not measured here, and what a deployment is made of there was not said.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from lab.bmc.bmc import LabBmc
from lab.bmc.profiles import PROFILES
from lab.bmc.server import ServedBmc, serve
from lab.bmc.simulated import SimulatedMachine
from lab.bmc.tls import make_certificate
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import Bmc, BootTarget, Power
from workflows.model.desired import BmcTarget
from workflows.model.profile import BmcProtocol

COUNT, AT_ONCE = 1000, 64
UUID = "3c1f0b0e-0000-4a6e-9d6b-{:012x}"
IRONIC = {"power on": 4.0, "boot device": 3.0, "deployment": 10.4}


class Known:
    """Implements ``Secrets`` for the lab's one credential."""

    def __init__(self, ca: Path):
        self._fields = {"username": "bringup", "password": "lab-password", "ca": str(ca)}

    def get(self, reference: str) -> dict[str, str]:
        """The fields."""
        return self._fields


async def main() -> None:
    """Both measurements."""
    with tempfile.TemporaryDirectory() as directory:
        await poll(Path(directory))
        await requests()


async def poll(directory: Path) -> None:
    """1,000 BMCs, twice."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "serve", str(directory), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )  # fmt: skip
    assert server.stdout is not None
    addresses = json.loads(await server.stdout.readline())
    drivers = BmcDrivers(Known(directory / "bmc.pem"), timedelta(seconds=60))
    turn = asyncio.Semaphore(AT_ONCE)

    async def facts(address: str) -> Power:
        async with turn:
            bmc = drivers.connect(BmcTarget(address=address, credential="bmc"), BmcProtocol.REDFISH)
            try:
                return (await bmc.facts()).power
            finally:
                await bmc.close()

    try:
        before = memory()
        for name in ("first look", "later look"):
            began, cpu = time.perf_counter(), processor()
            powers = await asyncio.gather(*(facts(a) for a in addresses))
            assert set(powers) == {Power.OFF}
            wall, spent = time.perf_counter() - began, processor() - cpu
            print(f"{name} at {COUNT} BMCs: {wall:6.1f} s, CPU {spent:6.1f} s ({spent / COUNT * 1000:.1f} ms each)")
        print(f"memory: {before:.0f} MB before, at most {memory():.0f} MB")
    finally:
        server.kill()
        await server.wait()


@dataclass(slots=True)
class Counting:
    """One BMC that was met before, and what is asked of it."""

    served: ServedBmc
    drivers: BmcDrivers

    async def total(self, act: Callable[[Bmc], Awaitable[None]], *, opened: bool) -> int:
        """The requests of one act; of its session too where it isn't ``opened`` before."""
        bmc = self.drivers.connect(BmcTarget(address=self.served.url, credential="bmc"), BmcProtocol.REDFISH)
        await bmc.facts()
        if opened:
            await bmc.open()
        self.served.bmc.ledger.clear()
        await act(bmc)
        found = self.served.bmc.ledger.total
        await bmc.close()
        await self.settle()
        return found if opened else self.served.bmc.ledger.total

    async def settle(self) -> None:
        """Wait until power and POST are over, as a step does between its looks."""
        await self.served.bmc.chassis.settled()
        await asyncio.sleep(self.served.bmc.traits.post_seconds)

    async def power(self, bmc: Bmc, wanted: Power) -> None:
        """Ask, and read back."""
        await bmc.power(wanted)
        await self.settle()
        await bmc.facts()

    async def power_on(self, bmc: Bmc) -> None:
        """On, from off."""
        await self.power(bmc, Power.ON)

    async def boot_device(self, bmc: Bmc, target: BootTarget = BootTarget.NETWORK_ONCE) -> None:
        """Ask, and read back."""
        await bmc.boot(target)
        await bmc.facts()

    async def deployment(self, bmc: Bmc) -> None:
        """Identify, then the network boot, then the proof boot."""
        await bmc.facts()
        await bmc.open()
        for target in (BootTarget.NETWORK_ONCE, BootTarget.DISK):
            await self.power(bmc, Power.OFF)
            await self.boot_device(bmc, target)
            await self.power(bmc, Power.ON)


async def requests() -> None:
    """How many requests each verb sends, on each kind of BMC."""
    print(f"{'requests':28}" + "".join(f"{name:>14}" for name in IRONIC))
    for name, traits in PROFILES.items():
        async with await serve(LabBmc(SimulatedMachine("SN", UUID.format(1)), traits=traits)) as served:
            counting = Counting(served, BmcDrivers(Plain()))
            counts = [
                await counting.total(counting.power_on, opened=True),
                await counting.total(counting.boot_device, opened=True),
                await counting.total(counting.deployment, opened=False),
            ]
        print(f"{name:28}" + "".join(f"{each:14}" for each in counts))
    print(f"{'Ironic, as given to us':28}" + "".join(f"{each:14}" for each in IRONIC.values()))


class Plain(Known):
    """The same over plain HTTP."""

    def __init__(self) -> None:
        self._fields = {"username": "bringup", "password": "lab-password", "insecure": "true"}


async def serve_all(directory: Path) -> None:
    """The other process: print the addresses, and serve until it is killed."""
    certificate = make_certificate(directory, "127.0.0.1")
    served = [
        await serve(LabBmc(SimulatedMachine(f"SN{n}", UUID.format(n))), certificate=certificate) for n in range(COUNT)
    ]
    print(json.dumps([s.address for s in served]), flush=True)
    await asyncio.Event().wait()


def processor() -> float:
    """Seconds of CPU that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asyncio.run(serve_all(Path(sys.argv[2])) if sys.argv[1:2] == ["serve"] else main())
