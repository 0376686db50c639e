"""A simulated machine against the real boot service over real HTTP and TLS; the store is in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from boot.certificates import load_authority, make_server_files
from boot.server import serving
from boot.service import BootService
from boot.settings import BootSettings
from lab.memory import MemoryBus, MemoryStore
from lab.rack.image import INITRD, KERNEL, make_artifacts
from lab.rack.machine import SimulatedMachine
from lab.rack.rack import CREDENTIAL, Rack
from tests.fixtures.runs import WIPING
from workflows.model.desired import Address, BmcTarget, Desired, Intent, Interface
from workflows.model.errors import Refused
from workflows.model.grant import Grant, GrantState
from workflows.model.profile import DiskHint, Image, Profile, Release, Sku
from workflows.model.run import Run
from workflows.model.served import Served, served_key

NODE = "lab.one"


class TwoSecrets:
    """The token key and Ansible's SSH key."""

    def __init__(self) -> None:
        key = Ed25519PrivateKey.generate()
        self.private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ).decode()
        self.public = (
            key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
        )

    def get(self, reference: str) -> dict[str, str]:
        """By reference."""
        match reference:
            case "boot/token":
                return {"key": "k" * 32}
            case "ssh/bringup":
                return {"key": self.private}
        raise Refused(reference)


@dataclass
class Boot:
    """The boot service and its store; it can be taken away and come back on the same ports."""

    store: MemoryStore
    bus: MemoryBus
    secrets: TwoSecrets
    directory: Path
    image: Image
    http_port: int
    https_port: int
    stack: AsyncExitStack

    @property
    def url(self) -> str:
        """What DHCP would tell."""
        return f"http://127.0.0.1:{self.http_port}"

    async def start(self) -> None:
        """Serve."""
        settings = BootSettings(
            site="lab",
            http_url=self.url,
            https_url=f"https://127.0.0.1:{self.https_port}",
            artifacts=self.directory / "artifacts",
            kernel=KERNEL,
            initrd=INITRD,
            authorized_keys=(self.secrets.public,),
        )
        now = datetime.now(UTC)
        authority = load_authority(self.directory / "ca", "lab", now)
        tls = make_server_files(authority, ("127.0.0.1",), self.directory / "ca", now)
        service = BootService(self.store, self.bus, self.secrets, settings, authority.pem)
        sockets = [socket.create_server(("127.0.0.1", port)) for port in (self.http_port, self.https_port)]
        await self.stack.enter_async_context(serving(service, sockets[0], sockets[1], tls))

    async def stop(self) -> None:
        """Be gone."""
        await self.stack.aclose()

    async def want(self, machine: SimulatedMachine) -> Desired:
        """Put the machine into the inventory."""
        sku = Sku(name="lab", system_disk=DiskHint(model="LAB-SYSTEM"))
        wish = Desired(
            node=NODE,
            generation=1,
            name="lab-001",
            status="staged",
            intent=Intent.SERVE,
            serial=machine.serial,
            uuid=machine.uuid,
            bmc=BmcTarget(address="127.0.0.1"),
            interfaces=(
                Interface(
                    name="eth0", mac=machine.macs[0], addresses=(Address(cidr=f"{machine.address}/24", primary=True),)
                ),
            ),
            profile=Profile(sku=sku, release=Release(name="r1", image=self.image, roles=("lab_node",))),
        )
        await self.store.put(f"desired.{NODE}", wish.encode(), expect=0)
        return wish

    async def grant(self, machine: SimulatedMachine, attempt: int = 1) -> None:
        """Open a grant of run g1 for it."""
        wish = await self.want(machine) if attempt == 1 else None
        if wish is not None:
            run = Run(node=NODE, cause="g1", workflow="provision", steps=WIPING, desired=wish)
            await self.store.put(f"run.{NODE}.g1", run.encode(), expect=0)
        grant = Grant(
            node=NODE,
            cause="g1",
            attempt=attempt,
            state=GrantState.OPEN,
            serial=machine.serial,
            uuid=machine.uuid,
            macs=machine.macs,
            hint=DiskHint(model="LAB-SYSTEM"),
            image=self.image,
            deadline=await self.store.now() + timedelta(minutes=10),
        )
        await self.store.put(f"grant.{NODE}.g1.{attempt}", grant.encode(), expect=0)

    async def granted(self, attempt: int = 1) -> Grant:
        """The grant as it stands."""
        return Grant.decode((await self.store.get(f"grant.{NODE}.g1.{attempt}")).data or b"")

    async def served(self) -> Served:
        """What the machine was served."""
        value = await self.store.get(served_key(NODE))
        return Served.decode(value.data) if value.data is not None else Served(node=NODE)

    async def at_home(self) -> Served:
        """Wait until the installed system has phoned home."""
        return await self.until(self.served, lambda served: served.home is not None)

    async def until[T](self, read: "Callable[[], object]", good: Callable[[T], bool]) -> T:
        """Look at each change of the store until it is as wanted; ten seconds at most."""
        async with asyncio.timeout(10):
            async for _ in self.store.watch(">"):
                seen = await read()  # type: ignore[misc]
                if good(seen):
                    return seen  # type: ignore[no-any-return]
        raise AssertionError("a watch never ends")


class RackSecrets:
    """The boot service's and Ansible's, and the rack's BMC credential."""

    def __init__(self, boot: Boot, rack: Rack):
        self._boot, self._rack = boot, rack

    def get(self, reference: str) -> dict[str, str]:
        return self._rack.secrets[reference] if reference == CREDENTIAL else self._boot.secrets.get(reference)


def write(directory: Path, files: dict[str, str]) -> Path:
    """Files below a directory, as private as secrets have to be."""
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text(text)
    return directory


async def eventually(condition: Callable[[], bool]) -> None:
    """Let others work until the condition holds; ten seconds at most."""
    async with asyncio.timeout(10):
        for _ in iter(condition, True):
            await asyncio.sleep(0.001)


@pytest.fixture
async def boot(tmp_path: Path) -> AsyncIterator[Boot]:
    """A running boot service with the lab's image."""
    image = await asyncio.to_thread(make_artifacts, tmp_path / "artifacts", 2 << 20)
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    boot = Boot(MemoryStore(), MemoryBus(), TwoSecrets(), tmp_path, image, ports[0], ports[1], AsyncExitStack())
    await boot.start()
    yield boot
    await boot.stop()


@pytest.fixture
async def rack(boot: Boot, tmp_path: Path) -> AsyncIterator[Rack]:
    """One machine, unknown to the inventory so far."""
    async with Rack(1, tmp_path / "rack", boot.url, post_seconds=0.01) as rack:
        yield rack


@pytest.fixture
def machine(rack: Rack) -> SimulatedMachine:
    """The one machine."""
    return rack.slots[0].machine
