"""A site with one node and a boot service over the store in memory."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from boot.identity import NodeIndex
from boot.scripts import Scripts
from boot.service import BootService
from boot.settings import BootSettings
from boot.templates import environment
from boot.token import Claim, Purpose, Tokens
from lab.memory import MemoryBus, MemoryStore
from tests.fixtures.runs import WIPING
from workflows.drivers.secrets import MappingSecrets
from workflows.model.desired import Address, Desired, Intent, Interface
from workflows.model.grant import Disk, Grant, GrantState, Machine, Report
from workflows.model.profile import DiskHint, Image, Profile, Release, Sku
from workflows.model.run import Run
from workflows.model.served import Served, served_key

MAC = "52:54:00:00:00:01"
UUID = "00112233-4455-6677-8899-aabbccddeeff"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample"
IMAGE_BYTES = bytes(range(256)) * 16
IMAGE = Image(
    name="debian-12",
    sha256="9" * 64,
    size=len(IMAGE_BYTES),
    raw_size=8 << 20,
    raw_sha256="a" * 64,
    root_uuid="867b66b2-2e3c-55fb-88b3-93d2b4b6b33d",
)
SYSTEM = Disk(id="wwn.system", device="nvme0n1", size=480 << 30, model="SYS", serial="S1", wwn="wwn.system")
DATA = Disk(id="wwn.data", device="nvme1n1", size=7000 << 30, model="DATA", serial="D1", wwn="wwn.data")
CLAIM = Claim("lab.n1", "g1", 1)


async def nothing_new() -> None:
    """The index is up to date."""


@dataclass
class Site:
    """Everything that a test of the boot service touches."""

    directory: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    bus: MemoryBus = field(default_factory=MemoryBus)
    secrets: MappingSecrets = field(
        default_factory=lambda: MappingSecrets({"BRINGUP_SECRET_BOOT_TOKEN": '{"key": "a-key-of-the-tests"}'})
    )
    index: NodeIndex = field(default_factory=NodeIndex)

    @property
    def settings(self) -> BootSettings:
        return BootSettings(
            site="lab",
            http_url="http://10.0.0.1:8080",
            https_url="https://10.0.0.1:8443",
            artifacts=self.directory,
            kernel="vmlinuz-1",
            initrd="agent-1.cpio.zst",
            authorized_keys=("ssh-ed25519 AAAAkey bringup",),
            nameservers=("10.0.0.2",),
        )

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.secrets)

    def scripts(self) -> Scripts:
        return Scripts(
            self.store, self.bus, self.settings, self.tokens, environment(), self.index, "c" * 64, nothing_new
        )

    def service(self) -> BootService:
        return BootService(self.store, self.bus, self.secrets, self.settings, b"the CA")

    async def put(self, key: str, data: bytes) -> None:
        """Write whatever stands there."""
        await self.store.put(key, data, expect=(await self.store.get(key)).seq)

    async def add_node(self, desired: Desired) -> None:
        await self.put(f"desired.{desired.node}", desired.encode())
        self.index.put(desired)

    async def open_grant(self, **changes: object) -> Grant:
        grant = Grant(
            node="lab.n1",
            cause="g1",
            attempt=1,
            state=GrantState.OPEN,
            serial="SER1",
            uuid=UUID,
            macs=(MAC,),
            hint=DiskHint(model="SYS"),
            image=IMAGE,
            deadline=await self.store.now() + timedelta(minutes=30),
        ).model_copy(update=changes)
        run = Run(node="lab.n1", cause="g1", workflow="provision", steps=WIPING, desired=node())
        await self.put("run.lab.n1.g1", run.encode())
        await self.put(CLAIM.grant_key, grant.encode())
        return grant

    async def grant(self) -> Grant:
        data = (await self.store.get(CLAIM.grant_key)).data
        assert data is not None
        return Grant.decode(data)

    async def served(self, node_key: str = "lab.n1") -> Served:
        data = (await self.store.get(served_key(node_key))).data
        return Served.decode(data) if data is not None else Served(node=node_key)

    def events(self, what: str) -> list[bytes]:
        return [message.data for message in self.bus.kept("evt.agent.>") if message.subject.endswith(f".{what}")]

    def token(self, purpose: Purpose = Purpose.AGENT) -> str:
        return self.tokens.issue(purpose, CLAIM)


def node(**changes: object) -> Desired:
    """The one node."""
    return Desired(
        node="lab.n1",
        generation=1,
        name="GPU 001",
        dns_name="gpu-001.example.com",
        status="staged",
        intent=Intent.SERVE,
        serial="SER1",
        uuid=UUID,
        interfaces=(
            Interface(name="eth0", mac=MAC.upper(), addresses=(Address(cidr="10.0.0.11/24", primary=True),), mtu=9000),
            Interface(name="bmc", mac="52:54:00:00:00:99", mgmt_only=True),
        ),
        profile=Profile(
            sku=Sku(name="lab", system_disk=DiskHint(model="SYS")), release=Release(name="r1", image=IMAGE)
        ),
    ).model_copy(update=changes)


def machine(**changes: object) -> Machine:
    """The machine as its agent describes it."""
    return Machine(
        serial="SER1", uuid=UUID, macs=(MAC,), disks=(SYSTEM, DATA), nonce="boot-1", address="10.0.0.11"
    ).model_copy(update=changes)


def report(**changes: object) -> Report:
    """A good end."""
    return Report(ok=True, raw_sha256="a" * 64, host_key=HOST_KEY, writes_on_disk=1).model_copy(update=changes)


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """A site that knows the node; no grant is open."""
    made = Site(tmp_path)
    await made.add_node(node())
    return made
