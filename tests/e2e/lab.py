"""The whole chain on real parts, as a site would run it: only the hardware is emulated.

Real: NetBox, nats-server, the processes ``bringup sync``, ``boot`` and ``worker``, dnsmasq, nfs-ganesha, OpenSM (on ibsim),
ansible-runner over SSH. Emulated: the machine (QEMU, whose firmware really boots the network) and its BMC (the lab's
Redfish service over TLS). Everything listens on loopback or in one network namespace that ends with the test.
"""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

import yaml

from boot.agent.build import build_agent
from boot.dnsmasq import DhcpSettings, Subnet
from boot.image.build import BuiltImage, build_image
from boot.image.recipe import ImageRecipe
from lab.bmc.bmc import LabBmc
from lab.bmc.server import ServedBmc, serve
from lab.bmc.tls import LabCertificate, make_certificate
from lab.nats import throwaway_server
from lab.qemu.dnsmasq import dnsmasq
from lab.qemu.machine import QemuMachine
from lab.qemu.network import Network, network
from workflows.jetstream.server import EmbeddedServer
from workflows.jetstream.site import JetStreamSite, open_site
from workflows.jetstream.wire import Login

SITE = "lab"
GATEWAY = "10.77.0.1"
BMC_PASSWORD = "lab-password"
CACHE = Path(__file__).parents[2] / ".cache" / "images"


@dataclass
class Machine:
    """One machine of the lab with its BMC."""

    name: str
    qemu: QemuMachine
    bmc: ServedBmc
    address: str
    bmc_address: str


@dataclass
class RealSite:
    """Everything that runs. ``services`` are the project's own processes by name, which tests kill and start again."""

    directory: Path
    network: Network
    nats: EmbeddedServer
    site: JetStreamSite
    image: BuiltImage
    machines: list[Machine]
    sockets: dict[str, int]
    services: dict[str, "asyncio.subprocess.Process"] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        """Start ``sync``, ``boot`` or ``worker`` as a process of its own."""
        passed = [self.sockets["http"], self.sockets["https"]] if name == "boot" else []
        with (self.directory / f"{name}.log").open("ab") as log:
            self.services[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app",
                "--config",
                str(self.directory / "site.yaml"),
                name,
                "--verbose",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=passed,
                start_new_session=True,
            )

    async def kill(self, name: str) -> None:
        """``kill -9`` of one service, the process alone: what it leaves behind must end by itself."""
        process = self.services.pop(name)
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        """End the services in order."""
        for process in self.services.values():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for process in self.services.values():
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def status(self, node: str) -> dict[str, object]:
        """The node's status as the store has it."""
        value = await self.site.store.get(f"status.{node}")
        return dict(json.loads(value.data)) if value.data is not None else {}

    async def until(self, what: str, true: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until something holds; fails with the last words of every service."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if await true():
                return
            for name, process in self.services.items():
                assert process.returncode is None, f"{name} ended with {process.returncode}\n{self.last_words()}"
            await asyncio.sleep(0.5)
        raise AssertionError(f"{what}: not within {seconds:.0f} s\n{self.last_words()}")

    async def cli(self, *arguments: str) -> str:
        """Run a command of ours as a person would."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            "--config",
            str(self.directory / "site.yaml"),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return out.decode()

    def last_words(self) -> str:
        """The ends of all logs."""
        logs = [*self.directory.glob("*.log"), *(m.qemu.console for m in self.machines)]
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-2500:]}" for p in logs if p.exists())


def ssh_key(directory: Path) -> tuple[str, str]:
    """A fresh SSH key: private and public."""
    file = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    private, public = file.read_text(), file.with_suffix(".pub").read_text().strip()
    file.unlink()
    return private, public


def write_secret(directory: Path, reference: str, **fields: str) -> None:
    """One secret, readable by its owner alone."""
    file = directory / f"{reference}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as opened:
        yaml.safe_dump(fields, opened)


@asynccontextmanager
async def real_site(directory: Path, netbox: dict[str, str], machines: int = 1) -> AsyncIterator[RealSite]:
    """The site, without any of our services running yet. ``netbox``: ``url``, ``token``, ``webhook_listen``, ``secret``."""
    image = await asyncio.to_thread(build_image, ImageRecipe(), CACHE)
    agent = await asyncio.to_thread(build_agent, image, CACHE)
    private, public = ssh_key(directory)
    async with AsyncExitStack() as stack:
        net = await stack.enter_async_context(network(f"{GATEWAY}/24", machines))
        certificate = make_certificate(directory, *(f"127.20.0.{n + 1}" for n in range(machines)))
        made = [await _machine(stack, net, directory, n, certificate) for n in range(machines)]
        nats = await stack.enter_async_context(throwaway_server(directory / "nats"))
        http, https = net.bind(8080), net.bind(8443)
        stack.callback(http.close)
        stack.callback(https.close)
        for listener in (http, https):
            listener.set_inheritable(True)
        dhcp = DhcpSettings(
            interface="br0",
            boot_url=f"http://{GATEWAY}:8080",
            subnets=(Subnet(IPv4Network("10.77.0.0/24")),),
            hosts_file=directory / "hosts",
            lease_file=directory / "leases",
            tftp_root=directory,
            advertise="fd77:7::",
        )
        dns = await stack.enter_async_context(dnsmasq(net, dhcp, directory))
        (directory / "dnsmasq.pid").write_text(str(dns.process.pid))
        _write_site(directory, netbox, nats.url, (http.fileno(), https.fileno()), net)
        _write_secrets(directory / "secrets", netbox, private, public, str(certificate.ca))
        _write_artifacts(directory / "artifacts", image, agent.kernel, agent.initrd)
        _write_profiles(directory / "profiles", image, made)
        site = await stack.enter_async_context(open_site([nats.url], Login("operator"), SITE))
        running = RealSite(directory, net, nats, site, image, made, {"http": http.fileno(), "https": https.fileno()})
        try:
            yield running
        finally:
            await running.stop()


async def _machine(
    stack: AsyncExitStack, net: Network, directory: Path, number: int, certificate: LabCertificate
) -> Machine:
    name = f"gpu-{number + 1:03d}"
    qemu = QemuMachine(
        net,
        number,
        directory / name,
        serial=f"LAB{number + 1:04d}",
        uuid=f"11111111-0000-4000-8000-{number + 1:012d}",
        macs=(f"52:54:00:77:00:{number + 1:02x}",),
    )
    qemu.make_disks()
    stack.push_async_callback(qemu.power_off)
    address = f"127.20.0.{number + 1}"
    bmc = await serve(LabBmc(qemu, password=BMC_PASSWORD), host=address, port=443, certificate=certificate)
    await stack.enter_async_context(bmc)
    return Machine(name, qemu, bmc, f"10.77.0.{number + 11}", address)


def _write_site(directory: Path, netbox: dict[str, str], nats: str, listeners: tuple[int, int], net: Network) -> None:
    site = {
        "settings": {"site": SITE, "mode": "automatic"},
        "nats": {"url": nats},
        "netbox": {
            "url": netbox["url"],
            "webhook_listen": netbox["webhook_listen"],
            "sync": {"sites": [SITE], "changes_every": 5},
        },
        "boot": {
            "http": f"fd:{listeners[0]}",
            "https": f"fd:{listeners[1]}",
            "http_url": f"http://{GATEWAY}:8080",
            "https_url": f"https://{GATEWAY}:8443",
            "artifacts": "artifacts",
            "certificates": "certificates",
            "kernel": "vmlinuz",
            "initrd": "agent.gz",
            "dhcp": {"hosts_file": "hosts", "prefixes": ["10.77.0.0/24"], "pid_file": "dnsmasq.pid"},
        },
        "ansible": {"command_prefix": ["nsenter", f"--net=/proc/{net.holder}/ns/net", "--"]},
        "profiles": "profiles",
        "secrets": "secrets",
        "data": "data",
    }
    (directory / "site.yaml").write_text(yaml.safe_dump(site))
    (directory / "data").mkdir()


def _write_secrets(directory: Path, netbox: dict[str, str], private: str, public: str, ca: str) -> None:
    write_secret(directory, "bmc/default", username="bringup", password=BMC_PASSWORD, ca=ca)
    write_secret(directory, "boot/token", key=secrets.token_hex(32))
    write_secret(directory, "ssh/bringup", key=private, public_key=public)
    write_secret(directory, "netbox/token", token=netbox["token"])
    write_secret(directory, "netbox/webhook", key=netbox["secret"])


def _write_artifacts(directory: Path, image: BuiltImage, kernel: Path, initrd: Path) -> None:
    directory.mkdir()
    for name, source in ((image.image.sha256, image.file), ("vmlinuz", kernel), ("agent.gz", initrd)):
        (directory / name).hardlink_to(source.resolve())


def _write_profiles(directory: Path, image: BuiltImage, machines: list[Machine]) -> None:
    for kind in ("skus", "releases"):
        (directory / kind).mkdir(parents=True)
    for machine in machines:
        sku = {"system_disk": {"serial": machine.qemu.disk_serial("system")}}
        (directory / "skus" / f"{machine.name}.yaml").write_text(yaml.safe_dump(sku))
    release = {"image": image.image.model_dump(mode="json"), "roles": ["base", "storage_mounts"]}
    (directory / "releases" / "debian-12.yaml").write_text(yaml.safe_dump(release))
