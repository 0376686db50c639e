"""One worker over the unmodified engine: ``python benchmarks/simulated_worker.py NATS_URL DIRECTORY NAME BMC SETTINGS``.

Store, bus, clock, reconciler and command consumer are the product's; the BMC driver too where BMC is ``redfish``. What
reaches the nodes otherwise is one line on the simulators' socket: no Ansible, no SSH, for those have their own figures.
"""

import asyncio
import itertools
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.config import Config
from app.site_worker import run_worker
from app.worker import Ports
from lab.inventory import FileInventory
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import (
    BiosFacts,
    BmcFacts,
    Bmcs,
    BootTarget,
    FirmwareImage,
    Host,
    PlayResult,
    Power,
    TaskFacts,
)
from workflows.jetstream.site import open_site
from workflows.jetstream.wire import Login
from workflows.model.desired import BmcTarget, Desired
from workflows.model.errors import Fenced, Refused, Unreachable, Unsupported
from workflows.model.hardware import Firmware, HardwareReport, LogLine
from workflows.model.profile import BmcProtocol, BootWay, Setting
from workflows.model.record import Json
from workflows.model.settings import SiteSettings
from workflows.model.verdict import BurnInReport, Check, Verdict

_NO_BASELINE = "the simplest BMC knows neither BIOS nor firmware"


class Line:
    """The simulators' socket: many questions under way at once on one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._numbers, self._asked = itertools.count(), dict[int, asyncio.Future[Any]]()

    async def ask(self, name: str, verb: str, value: Any = None) -> Any:
        """One question, one answer."""
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps([number, name, verb, value]).encode() + b"\n")
        return await self._asked[number]

    async def listen(self) -> None:
        """Hand out answers, until the simulators end."""
        while line := await self._reader.readline():
            number, said = json.loads(line)
            self._asked.pop(number).set_result(said)


class FakeBmc:
    """Implements ``Bmc`` over a line; sessions and their end as with Redfish."""

    def __init__(self, line: Line, name: str):
        self._line, self._name, self._session = line, name, 0

    async def open(self) -> str | None:
        """A session."""
        self._session = await self._line.ask(self._name, "open")
        return f"/Sessions/{self._session}"

    async def end_session(self, uri: str) -> None:
        """Ended for good."""
        await self._line.ask(self._name, "end", int(uri.rpartition("/")[2]))

    async def facts(self) -> BmcFacts:
        """Who it is, and how it stands."""
        serial, uuid, on, once = await self._line.ask(self._name, "facts")
        boot = BootTarget.NETWORK_ONCE if once else BootTarget.DISK
        power, way = Power.ON if on else Power.OFF, BootWay.PXE if once else None
        return BmcFacts(serial, uuid, "fake", "fake", power, boot, way=way, ways=(BootWay.PXE,))

    async def power(self, wanted: Power) -> None:
        """On or off."""
        await self._write("power", wanted is Power.ON)

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        """The override."""
        await self._write("boot", target is BootTarget.NETWORK_ONCE)

    async def reset_bmc(self) -> None:
        """Nothing to restart."""

    async def survey(self) -> HardwareReport:
        """It tells nothing of its parts. Raises Unsupported."""
        raise Unsupported("the simplest BMC knows no parts")

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        """None."""
        return ()

    async def bios(self) -> BiosFacts:
        """It has none. Raises Unsupported."""
        raise Unsupported(_NO_BASELINE)

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        """It has none. Raises Unsupported."""
        raise Unsupported(_NO_BASELINE)

    async def firmware(self) -> tuple[Firmware, ...]:
        """It names none. Raises Unsupported."""
        raise Unsupported(_NO_BASELINE)

    async def tasks(self) -> tuple[TaskFacts, ...]:
        """None."""
        return ()

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        """It takes none. Raises Unsupported."""
        raise Unsupported(_NO_BASELINE)

    async def close(self) -> None:
        """The session's end."""
        if self._session:
            await self._line.ask(self._name, "end", self._session)

    async def _write(self, verb: str, wanted: bool) -> None:
        if await self._line.ask(self._name, verb, [self._session, wanted]) is None:
            raise Fenced("the session was ended")


class Nodes:
    """Implements ``Bmcs``, ``Ansible`` and ``Judge`` over the line."""

    def __init__(self, line: Line):
        self._line = line

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> FakeBmc:
        """The BMC that carries the node's name as its credential's last word."""
        return FakeBmc(self._line, target.credential.rpartition("/")[2])

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """No roles."""
        return PlayResult(ok=True)

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """No probes."""
        return {}

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """One command."""
        status, said = await self._line.ask(host.node.partition(".")[2], "shell", shlex.join(command))
        if status == 255:
            raise Unreachable(f"{host.name} does not answer")
        if status:
            raise Refused(f"{command[0]} ended with {status}")
        return str(said)

    def probes(self, desired: Desired) -> Sequence[str]:
        """None."""
        return ()

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """It passes."""
        return BurnInReport(level="bench", checks=(Check(id="bench", verdict=Verdict.PASS),))


class OneSecret:
    """Implements ``Secrets``: the lab BMCs' credential, over plain HTTP."""

    def get(self, reference: str) -> dict[str, str]:
        """The same for all."""
        return {"username": "bringup", "password": "lab-password", "insecure": "true"}


async def main(url: str, directory: Path, name: str, kind: str, settings: SiteSettings) -> None:
    """Serve until killed."""
    line = Line(*await asyncio.open_unix_connection(directory / "nodes.sock"))
    listening = asyncio.create_task(line.listen())
    nodes = Nodes(line)
    config = Config(settings=settings, profiles=directory, secrets=directory, data=directory)
    async with open_site([url], Login(name), settings.site) as site:
        bmcs: Bmcs = BmcDrivers(OneSecret()) if kind == "redfish" else nodes
        inventory = FileInventory(directory / "inventory")
        ports = Ports(
            store=site.store,
            bus=site.bus,
            clock=site.clock,
            evidence=site.evidence,
            bmcs=bmcs,
            ansible=nodes,
            judge=nodes,
            proof=nodes,
            inventory=inventory,
        )
        (directory / f"{name}.ready").touch()
        while not (directory / "go").exists():  # noqa: ASYNC110 - another process says so
            await asyncio.sleep(0.02)
        await run_worker(config, site, ports, name)
    listening.cancel()


if __name__ == "__main__":
    given = SiteSettings.model_validate_json(sys.argv[5])
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], given))
