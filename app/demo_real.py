"""``bringup demo-real``: machines that really boot go from *staged* in a real NetBox to *active*, in front of your eyes.

Every part is real but the hardware (``lab.site``): NetBox, nats-server with a login for each service and person, our
services as processes of their own, dnsmasq, nfs-ganesha, OpenSM, ansible over SSH. Needs root. Nothing but what was built
or installed under ``cache`` is left when it ends.

What is printed at the end is not what bringup believes: disks, QEMU, BMCs, NetBox and OpenSM are asked themselves.
"""

import asyncio
import contextlib
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from app.config import load_config
from app.connect import as_seen_by
from app.watch import until_ended
from frontends.cli.output import console
from frontends.read_model import NodeView
from lab.nats import forbidden
from lab.netbox.install import install
from lab.netbox.serve import NetBoxServer, serve
from lab.site.machines import Machine
from lab.site.needs import missing
from lab.site.racked import ACTIVE, Racked, racked
from workflows.model.errors import Unreachable, Unsupported
from workflows.model.status import NodeState


@dataclass(frozen=True, slots=True)
class RealWitness:
    """What the parts of the world say of one machine, and the node's state as the site shows it.

    ``writes_on_disk`` and ``written_by`` are the marker near the disk's end; ``bytes_written`` is QEMU's count, ``boots``
    how often it was switched on; ``lid`` is OpenSM's own record of the port.
    """

    name: str
    state: str
    reason: str
    netbox: str
    accepted_run: str
    writes_on_disk: int
    written_by: str
    bytes_written: int
    data_disk_untouched: bool
    boots: int
    bmc_requests: dict[str, int]
    bmc_stale_writes: int
    lid: int
    evidence: str

    @property
    def doubts(self) -> list[str]:
        """What speaks against this: in service on evidence, by one write of its own grant, nothing behind anybody's back."""
        said = {
            f"it is {self.state}: {self.reason}": self.state == NodeState.IN_SERVICE,
            f"NetBox says {self.netbox}": self.netbox == ACTIVE,
            f"its disk was written {self.writes_on_disk} times": self.writes_on_disk == 1,
            f"its disk was written by {self.written_by or 'nobody'}": self.written_by == f"{self.accepted_run}.1",
            "its data disk was changed": self.data_disk_untouched,
            f"its BMC had {self.bmc_stale_writes} writes under an ended session": self.bmc_stale_writes == 0,
            "OpenSM has no LID for its port": self.lid > 0,
            "there is no burn-in report": self.evidence != "",
        }
        return [text for text, good in said.items() if not good]


@dataclass(frozen=True, slots=True)
class RealDemo:
    """How it went. ``forbidden``: what NATS refused one of the logins, by the server's own log."""

    machines: list[RealWitness]
    seconds: float
    forbidden: list[str]

    @property
    def well(self) -> bool:
        """Whether all went as it should."""
        return bool(self.machines) and not any(m.doubts for m in self.machines) and not self.forbidden


def demo_real(machines: int, patience: timedelta, show: bool, cache: Path) -> RealDemo:
    """Run it; ``seconds`` are from *staged* to the end. ``cache`` keeps NetBox and images (a few minutes the first time).

    Raises:
        Unsupported: not root, or a Debian package is missing; the message says what to install.
    """
    if lacking := missing():
        raise Unsupported(lacking)
    if show:
        console().print(f"starting NetBox and {machines} machines (the first time builds an image)")
    with (
        tempfile.TemporaryDirectory(prefix="bringup-demo-real-") as temporary,
        serve(install(cache)) as netbox,
    ):
        return asyncio.run(_demo(Path(temporary), netbox, cache / "images", machines, patience, show))


async def _demo(
    directory: Path, netbox: NetBoxServer, images: Path, machines: int, patience: timedelta, show: bool
) -> RealDemo:
    async with racked(directory, netbox, images, machines) as rack:
        site = rack.site
        await rack.known()
        started = time.monotonic()
        await rack.stage()
        seen = as_seen_by(site.seen, load_config(site.config))
        views = await until_ended(seen, site.services.check, machines, patience, show)
        seconds = time.monotonic() - started
        if views and all(view.status.state is NodeState.IN_SERVICE for view in views):
            with contextlib.suppress(Unreachable):
                await rack.until_written_back()
        states = {view.desired.name: view for view in views}
        told = [await _witness(rack, machine, states.get(machine.name)) for machine in site.machines]
        return RealDemo(told, seconds, forbidden(site.nats))


async def _witness(rack: Racked, machine: Machine, view: NodeView | None) -> RealWitness:
    qemu, ledger = machine.qemu, machine.bmc.bmc.ledger
    writes, grant = qemu.drive("system").marker()
    device = rack.devices[rack.site.machines.index(machine)]
    return RealWitness(
        name=machine.name,
        state=view.status.state.value if view else "unknown",
        reason=view.status.reason if view else "",
        netbox=await rack.netbox_status(device),
        accepted_run=view.status.accepted_run if view else "",
        writes_on_disk=writes,
        written_by=grant,
        bytes_written=await qemu.block_written(),
        data_disk_untouched=await asyncio.to_thread(qemu.data_untouched),
        boots=qemu.boots,
        bmc_requests={f"{verb} {path}": count for (verb, path), count in ledger.requests.items()},
        bmc_stale_writes=len(ledger.stale_writes),
        lid=rack.site.subnet.recorded_lid(machine.name),
        evidence=view.status.report if view else "",
    )
