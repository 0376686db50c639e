"""A whole site as processes to be killed one by one: three nats-servers, workers, boot services, a rack of machines."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from boot.certificates import load_authority
from lab.chaos.account import Accounts
from lab.chaos.farm import ACCOUNTS, FARM, STALE_CALLS, Farm
from lab.chaos.island import HERE, THERE, Island, island
from lab.inventory import FileInventory
from lab.nats import ON_LOOPBACK, Berth, Cluster, throwaway_cluster
from lab.process import LabProcess
from lab.rack.image import INITRD, KERNEL, make_artifacts
from lab.rack.machine import SYSTEM_DISK_MODEL
from lab.secret_files import site_secrets, write_secrets
from workflows.engine.epoch import make_epoch
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login
from workflows.model.desired import Desired
from workflows.model.profile import DiskHint, Profile, Release, Sku

SITE = "chaos"
_IMAGE_BYTES = 4 << 20
_FARM_SECONDS = 180.0
_RESTART_SECONDS = 1.0
_NO_OTHER_CAP = {"rack_at_once": 1000, "wipes_per_hour": 1000, "new_per_hour": 1000}


@dataclass(slots=True)
class Service:
    """One process of the product: how it is started, and its present incarnation."""

    name: str
    argv: Sequence[str]
    directory: Path
    pass_fds: Sequence[int] = ()
    process: LabProcess | None = None
    paused: bool = False

    async def start(self) -> None:
        """Start it, again after it was killed."""
        output = self.directory / f"{self.name}.log"
        self.process = await LabProcess.start(self.argv, output=output, cwd=self.directory, pass_fds=self.pass_fds)

    @property
    def ended(self) -> bool:
        """Whether it ran and doesn't any more."""
        return self.process is not None and self.process.process.returncode is not None

    @property
    def alive(self) -> bool:
        """Whether it runs, and isn't paused."""
        return self.process is not None and not self.ended and not self.paused

    def send(self, number: signal.Signals) -> None:
        """A signal to this process alone: what it started must end by itself."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.process.pid, number)

    async def kill(self) -> None:
        """``kill -9``, and wait."""
        self.send(signal.SIGKILL)
        if self.process is not None:
            await self.process.process.wait()


@dataclass(slots=True)
class ChaosSite:
    """Everything that runs. ``standing`` names the workers that don't notice their pauses, ``real`` the nodes whose plays
    are real, ``islander`` the worker that connects to the server on the ``island`` first, where there is one.
    """

    directory: Path
    cluster: Cluster
    site: JetStreamSite
    farm: Farm
    wishes: list[Desired]
    inventory: FileInventory
    workers: dict[str, Service]
    boots: dict[str, Service]
    standing: frozenset[str]
    real: frozenset[str]
    island: Island | None
    islander: str
    _farm: LabProcess = field(repr=False, kw_only=True)

    async def keep_up(self) -> None:
        """Start again whatever has ended, for ever: what systemd's ``Restart=always`` does."""
        while True:
            await asyncio.sleep(_RESTART_SECONDS)
            for service in (*self.workers.values(), *self.boots.values()):
                if service.ended:
                    await service.start()

    async def accounts(self) -> Accounts:
        """End the machines and read what they counted."""
        self._farm.process.send_signal(signal.SIGTERM)
        await self._farm.process.wait()
        return Accounts.decode((self.directory / ACCOUNTS).read_bytes())

    def refusals(self) -> list[str]:
        """The lines of all workers, each ``append <key>`` or ``renewal <key>``."""
        files = sorted((self.directory / "data").glob("*.refused"))
        return [line for file in files for line in file.read_text().splitlines()]

    def fences_tried(self) -> bool:
        """Whether both the store and a BMC have refused something to a worker that had lost its node."""
        return (self.directory / STALE_CALLS).exists() and any(line.startswith("append ") for line in self.refusals())


async def chaos_site(
    stack: AsyncExitStack, directory: Path, machines: int, workers: int, real_every: int, *, with_island: bool
) -> ChaosSite:
    """Start it all. Every ``real_every``-th node is configured by a real Ansible; every second worker has a standing clock.

    ``with_island``: the third NATS server runs in a namespace of its own. Only in a private network.

    Raises:
        RuntimeError: a process did not start; with the end of its output.
    """
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2)]
    for listener in listeners:
        stack.callback(listener.close)
    urls = [
        f"{scheme}://127.0.0.1:{s.getsockname()[1]}" for scheme, s in zip(("http", "https"), listeners, strict=True)
    ]
    image = await asyncio.to_thread(make_artifacts, directory / "artifacts", _IMAGE_BYTES)
    farm_process = await _farm(stack, directory, machines, urls[0])
    apart = await stack.enter_async_context(island()) if with_island else None
    berths = (Berth(HERE), Berth(HERE), Berth(THERE, apart.space.prefix)) if apart is not None else ON_LOOPBACK
    cluster = await stack.enter_async_context(throwaway_cluster(directory / "nats", berths))
    farm = Farm.decode((directory / FARM).read_bytes())
    write_secrets(directory / "secrets", site_secrets() | farm.secrets)
    (directory / "data").mkdir()
    authority = directory / "authority"
    await asyncio.to_thread(load_authority, authority, SITE, datetime.now(UTC))
    profile = Profile(
        sku=Sku(name="lab", system_disk=DiskHint(model=SYSTEM_DISK_MODEL)),
        release=Release(name="lab-1", image=image, roles=("lab_node",)),
        won_by="chaos",
    )
    wishes = [place.wish(SITE, profile) for place in farm.places]
    real = frozenset(w.node for w in wishes[::real_every]) if real_every else frozenset[str]()
    fds = [listener.fileno() for listener in listeners]
    boots, made = {}, {}
    for name in ("boot-1", "boot-2"):
        config = _config(directory, name, cluster.urls[:2], urls, fds, authority)
        boots[name] = Service(name, [sys.executable, "-m", "app", "--config", str(config), "boot"], directory, fds)
    names = [f"w{number}" for number in range(1, workers + 1)]
    standing = frozenset(names[::2])
    for name in names:
        # A client learns of the other servers from the one that it reaches, and moves there when it is lost.
        first = cluster.urls[2:] if name == names[-1] else cluster.urls[:2]
        config = _config(directory, name, first, urls, fds, authority)
        clock = "standing" if name in standing else "passing"
        argv = [sys.executable, "-m", "app.chaos_worker", str(config), str(directory / FARM), name, clock]
        made[name] = Service(name, [*argv, *sorted(real)], directory)
    site = await stack.enter_async_context(open_site(cluster.urls[:2], Login("chaos"), SITE))
    await make_epoch(site.store, site.clock)
    for service in (*boots.values(), *made.values()):
        await service.start()
        stack.push_async_callback(service.kill)
    inventory = FileInventory(directory / "data" / "inventory")
    return ChaosSite(
        directory,
        cluster,
        site,
        farm,
        wishes,
        inventory,
        made,
        boots,
        standing,
        real,
        apart,
        names[-1],
        _farm=farm_process,
    )


async def until(what: str, true: Callable[[], Awaitable[bool]], seconds: float, every: float = 0.2) -> bool:
    """Wait until something holds; False where it doesn't in time. ``what`` is for the reader of the call."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await true():
        if loop.time() > end:
            return False
        await asyncio.sleep(every)
    return True


async def _farm(stack: AsyncExitStack, directory: Path, machines: int, boot_url: str) -> LabProcess:
    argv = [sys.executable, "-m", "lab.chaos.farm", str(directory), str(machines), boot_url]
    process = await LabProcess.start(argv, output=directory / "farm.log", cwd=directory)
    stack.push_async_callback(process.end)
    await process.until((directory / FARM).exists, "the farm", _FARM_SECONDS)
    return process


def _config(
    directory: Path, name: str, nats: Sequence[str], urls: Sequence[str], fds: Sequence[int], authority: Path
) -> Path:
    """A site's configuration file. Each boot service has its own certificates, under the one authority."""
    certificates = directory / f"certificates-{name}"
    certificates.mkdir(mode=0o700)
    for file in ("ca.pem", "ca.key"):
        (certificates / file).hardlink_to(authority / file)
    config = {
        "settings": {"site": SITE, "mode": "automatic", "wipes_at_once": 64} | _NO_OTHER_CAP,
        "nats": {"url": ",".join(nats)},
        "boot": {
            "http": f"fd:{fds[0]}",
            "https": f"fd:{fds[1]}",
            "http_url": urls[0],
            "https_url": urls[1],
            "artifacts": str(directory / "artifacts"),
            "certificates": str(certificates),
            "kernel": KERNEL,
            "initrd": INITRD,
        },
        "profiles": "profiles",
        "secrets": "secrets",
        "data": "data",
    }
    written = directory / f"{name}.yaml"
    written.write_text(yaml.safe_dump(config))
    return written
