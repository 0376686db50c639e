"""The process in which a rack of machines and their BMCs live: ``python -m lab.chaos.farm DIRECTORY MACHINES BOOT_URL``.

It writes ``farm.json`` (what a site must know of the machines) once all answer, ``stale-calls`` (how many calls BMCs have
refused to sessions that were ended) as it rises, and ``accounts.json`` (what each machine and BMC counted of itself) when it
is told to end. It knows nothing of runs, leases or grants beyond what machines are told.
"""

import asyncio
import signal
import sys
from pathlib import Path

from lab.bmc.faults import Faults
from lab.chaos.account import Account, Accounts
from lab.rack.rack import CREDENTIAL, Rack, Slot
from workflows.model.desired import Address, BmcTarget, Desired, Intent, Interface
from workflows.model.profile import Profile
from workflows.model.record import Record

FARM, ACCOUNTS, STALE_CALLS = "farm.json", "accounts.json", "stale-calls"
#: How long a BMC takes for each answer, as real ones do: so a pause of a worker often falls in between two calls.
_BMC_SECONDS = 0.2
_COUNT_SECONDS = 0.5


class Place(Record):
    """One machine as an inventory would hold it."""

    name: str
    serial: str
    uuid: str
    mac: str
    address: str
    bmc: str

    def wish(self, site: str, profile: Profile) -> Desired:
        """The machine as a staged node of a site."""
        address = Address(cidr=f"{self.address}/8", primary=True)
        return Desired(
            node=f"{site}.{self.name}",
            name=self.name,
            status="staged",
            intent=Intent.SERVE,
            serial=self.serial,
            uuid=self.uuid,
            rack="R1",
            bmc=BmcTarget(address=self.bmc, credential=CREDENTIAL),
            interfaces=(Interface(name="eth0", mac=self.mac, addresses=(address,)),),
            profile=profile,
        )


class Farm(Record):
    """The whole rack: places, secrets by reference, and how Ansible and the lab's entries are reached."""

    places: tuple[Place, ...]
    secrets: dict[str, dict[str, str]]
    command_prefix: tuple[str, ...]
    sockets: str


async def serve(directory: Path, machines: int, boot_url: str) -> None:
    """Serve until SIGTERM."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with Rack(machines, directory / "rack", boot_url) as rack:
        for slot in rack.slots:
            slot.bmc.bmc.faults = Faults(delay=_BMC_SECONDS)
        places = tuple(_place(slot) for slot in rack.slots)
        sockets = str(Path(rack.command_prefix[0]).parent)
        farm = Farm(places=places, secrets=rack.secrets, command_prefix=rack.command_prefix, sockets=sockets)
        _write(directory / FARM, farm.encode())
        counting = asyncio.create_task(_count(directory / STALE_CALLS, rack))
        await told.wait()
        counting.cancel()
        _write(directory / ACCOUNTS, Accounts(machines=tuple(_account(slot) for slot in rack.slots)).encode())


async def _count(file: Path, rack: Rack) -> None:
    """Tell what the BMCs have refused so far, for ever."""
    told = 0
    while True:
        await asyncio.sleep(_COUNT_SECONDS)
        ledgers = [slot.bmc.bmc.ledger for slot in rack.slots]
        refused = sum(ledger.stale_reads + len(ledger.stale_writes) for ledger in ledgers)
        if refused > told:
            told = refused
            _write(file, str(told).encode())


def _place(slot: Slot) -> Place:
    machine = slot.machine
    return Place(
        name=slot.name,
        serial=machine.serial,
        uuid=machine.uuid,
        mac=machine.macs[0],
        address=machine.address,
        bmc=slot.bmc.address,
    )


def _account(slot: Slot) -> Account:
    ledger, counts = slot.bmc.bmc.ledger, slot.machine.counts
    return Account(
        name=slot.name,
        wiped_under=tuple(counts.wiped_under),
        images_on_disk=slot.machine.system.writes(),
        network_boots=counts.network_boots,
        stale_reads=ledger.stale_reads,
        stale_writes=tuple(f"{w.verb} {w.path}" for w in ledger.stale_writes),
        obeyed=tuple((o.session, f"{o.verb} {o.path}") for o in ledger.obeyed),
    )


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all: somebody waits for this name."""
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(data)
    fresh.rename(file)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
