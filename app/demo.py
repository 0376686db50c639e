"""``bringup demo``: a rack of simulated machines goes from *staged* to *in service*, in front of your eyes.

Nothing of the product is simulated: the same NATS server, inventory source, worker, boot service, Redfish driver,
ansible-runner and burn-in as on a real site. Simulated are the machines behind the BMCs and the BMCs themselves, which
speak real Redfish over TLS and the agent's real protocol over HTTP. Rootless, loopback only, gone when it ends.

What is printed at the end is not what bringup believes: each machine counted itself.
"""

import asyncio
import socket
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import yaml

import burn_in.probes
from app.boot import serve_boot
from app.config import AnsibleConfig, BootConfig, Config, NatsConfig, YamlConfig
from app.connect import as_seen_by, connected
from app.metrics import Metrics
from app.site_worker import real_ports, run_worker
from app.sync import serve_sync
from app.up import SELF, own_nats
from app.watch import until_ended
from frontends.cli.output import console
from frontends.read_model import NodeView
from lab.rack.image import INITRD, KERNEL, make_artifacts
from lab.rack.rack import ROLES, Rack, Slot, profiles
from lab.secret_files import site_secrets, write_secrets
from workflows.drivers.ansible.driver import AnsibleDriver
from workflows.drivers.secrets import FileSecrets
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

SITE = "demo"
CONFIG = "site.yaml"


@dataclass(frozen=True, slots=True)
class Witness:
    """One machine's own account, and the node's state as the site shows it."""

    name: str
    state: str
    accepted_run: str
    disk_sha256: str
    data_disk_untouched: bool
    wipes: int
    bytes_written: int
    network_boots: int
    disk_boots: int
    http_requests: dict[str, int]
    bmc_requests: dict[str, int]
    bmc_stale_writes: int
    ansible_modules: int
    evidence: str

    @property
    def well(self) -> bool:
        """In service by exactly one wipe, with nothing done behind anybody's back."""
        return (
            self.state == NodeState.IN_SERVICE
            and self.wipes == 1
            and self.data_disk_untouched
            and self.bmc_stale_writes == 0
            and self.evidence != ""
        )


async def demo(machines: int, patience: timedelta, show: bool, block_boot: bool = False) -> tuple[list[Witness], float]:
    """Run it; returns each machine's account and the seconds from *staged* to the end.

    With ``block_boot`` nothing listens on the boot service's port, so no machine can come into service.
    """
    with tempfile.TemporaryDirectory(prefix="bringup-demo-") as temporary:
        async with AsyncExitStack() as stack:
            return await _demo(stack, Path(temporary), machines, patience, show, block_boot)


async def _demo(
    stack: AsyncExitStack, directory: Path, machines: int, patience: timedelta, show: bool, block_boot: bool
) -> tuple[list[Witness], float]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    rack = await stack.enter_async_context(Rack(machines, directory / "rack", f"http://127.0.0.1:{ports[0]}"))
    config = _configuration(directory, ports)
    await asyncio.to_thread(_write_files, directory, rack, config)
    before = [slot.machine.data.sha256() for slot in rack.slots]
    config, login = await stack.enter_async_context(own_nats(config))
    known = FileSecrets(config.secrets)
    site = await stack.enter_async_context(connected(config, known, SELF, make_streams=1, login=login))
    worker_ports = await asyncio.to_thread(real_ports, config, site, known)
    probes = Path(burn_in.probes.__file__).parent
    lab_ansible = AnsibleDriver(site.bus, known, ROLES, probes, command_prefix=rack.command_prefix)
    services = [
        asyncio.create_task(run_worker(config, site, replace(worker_ports, ansible=lab_ansible), "demo")),
        asyncio.create_task(serve_sync(config, site, known, Metrics())),
    ]
    if block_boot:
        for listener in listeners:
            listener.close()
    else:
        config = _with_listeners(config, listeners)
        services.append(asyncio.create_task(serve_boot(config, site.store, site.bus, known)))
    stack.push_async_callback(_end, services)
    if show:
        console().print(
            f"look on from elsewhere: bringup -c {directory / CONFIG} log lab-001 --follow\n", soft_wrap=True
        )
    started = time.monotonic()

    def check() -> None:
        for service in services:
            if service.done():
                service.result()

    views = await until_ended(as_seen_by(site, config), check, machines, patience, show)
    seconds = time.monotonic() - started
    states = {v.desired.name: v for v in views}
    return [_witness(slot, data, states.get(slot.name)) for slot, data in zip(rack.slots, before, strict=True)], seconds


def _with_listeners(config: Config, listeners: list[socket.socket]) -> Config:
    """The configuration with our bound sockets handed over: the boot service closes them."""
    assert config.boot is not None
    http, https = (f"fd:{listener.detach()}" for listener in listeners)
    return config.model_copy(update={"boot": config.boot.model_copy(update={"http": http, "https": https})})


def _configuration(directory: Path, ports: list[int]) -> Config:
    boot = BootConfig(
        http_url=f"http://127.0.0.1:{ports[0]}",
        https_url=f"https://127.0.0.1:{ports[1]}",
        artifacts=directory / "artifacts",
        certificates=directory / "certificates",
        kernel=KERNEL,
        initrd=INITRD,
    )
    return Config(
        settings=SiteSettings(site=SITE, mode=Mode.AUTOMATIC),
        nats=NatsConfig(),
        yaml=YamlConfig(directory=directory / "inventory"),
        boot=boot,
        ansible=AnsibleConfig(),
        profiles=directory / "profiles",
        secrets=directory / "secrets",
        data=directory / "data",
        who="demo",
    )


def _write_files(directory: Path, rack: Rack, config: Config) -> None:
    """Everything that a person would have written before the first start."""
    (directory / CONFIG).write_text(yaml.safe_dump(config.model_dump(mode="json")))
    image = make_artifacts(directory / "artifacts")
    (directory / "data").mkdir()
    for folder, files in (("profiles", profiles(image)), ("inventory", rack.inventory("staged"))):
        for name, text in files.items():
            file = directory / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    write_secrets(directory / "secrets", site_secrets() | rack.secrets)


async def _end(services: list[asyncio.Task[None]]) -> None:
    for service in services:
        service.cancel()
    await asyncio.gather(*services, return_exceptions=True)


def _witness(slot: Slot, data_before: str, view: NodeView | None) -> Witness:
    machine, counts, ledger = slot.machine, slot.machine.counts, slot.bmc.bmc.ledger
    return Witness(
        name=slot.name,
        state=view.status.state.value if view else "unknown",
        accepted_run=view.status.accepted_run if view else "",
        disk_sha256=machine.system.sha256(),
        data_disk_untouched=machine.data.sha256() == data_before,
        wipes=counts.wipes,
        bytes_written=counts.bytes_written,
        network_boots=counts.network_boots,
        disk_boots=counts.disk_boots,
        http_requests=dict(counts.http),
        bmc_requests={f"{verb} {path}": n for (verb, path), n in ledger.requests.items()},
        bmc_stale_writes=len(ledger.stale_writes),
        ansible_modules=counts.modules,
        evidence=view.status.report if view else "",
    )
