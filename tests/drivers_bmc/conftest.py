"""A lab BMC over TLS on loopback, and a driver of it as the worker would have it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lab.bmc.bmc import LabBmc
from lab.bmc.server import ServedBmc, serve
from lab.bmc.simulated import SimulatedMachine
from lab.bmc.tls import LabCertificate, make_certificate
from lab.bmc.traits import PLAIN, Traits
from workflows.drivers.bmcs import BmcDrivers
from workflows.engine.ports import Bmc
from workflows.model.desired import BmcTarget
from workflows.model.errors import Refused
from workflows.model.profile import BmcProtocol

SERIAL = "S889914X3710910"
UUID = "3c1f0b0e-0000-4a6e-9d6b-7cc25550a8ff"
MACS = ("7c:c2:55:79:3f:8e", "7c:c2:55:79:3f:8f")


class Secrets:
    """Secrets of a test, by reference."""

    def __init__(self, **secrets: dict[str, str]):
        self.secrets = dict(secrets)

    def get(self, reference: str) -> dict[str, str]:
        """The fields."""
        if reference not in self.secrets:
            raise Refused(f"there is no secret {reference}")
        return self.secrets[reference]


class Rack:
    """One served BMC, and connections to it."""

    def __init__(self, served: ServedBmc, certificate: LabCertificate, timeout: timedelta):
        self.served, self.bmc = served, served.bmc
        fields = {"username": self.bmc.username, "password": self.bmc.password, "ca": str(certificate.ca)}
        self.certificate = certificate
        self.secrets = Secrets(bmc=fields)
        self.drivers = BmcDrivers(self.secrets, timeout)
        self.opened: list[Bmc] = []

    @property
    def machine(self) -> SimulatedMachine:
        """The machine behind it."""
        assert isinstance(self.bmc.machine, SimulatedMachine)
        return self.bmc.machine

    def connect(self) -> Bmc:
        """A new claim's driver."""
        bmc = self.drivers.connect(BmcTarget(address=self.served.address, credential="bmc"), BmcProtocol.REDFISH)
        self.opened.append(bmc)
        return bmc

    def connect_anew(self) -> Bmc:
        """The driver of another worker, which knows nothing of this BMC yet."""
        self.drivers = BmcDrivers(self.secrets, timedelta(seconds=5))
        return self.connect()


type MakeRack = Callable[..., Awaitable[Rack]]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> LabCertificate:
    """One certificate for all BMCs on 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
async def make_rack(certificate: LabCertificate) -> AsyncIterator[MakeRack]:
    """Makes racks of one BMC; all are closed at the end."""
    racks: list[Rack] = []

    async def make(traits: Traits = PLAIN, timeout: float = 5.0) -> Rack:
        served = await serve(LabBmc(SimulatedMachine(SERIAL, UUID, MACS), traits=traits), certificate=certificate)
        racks.append(Rack(served, certificate, timedelta(seconds=timeout)))
        return racks[-1]

    yield make
    for rack in racks:
        for bmc in rack.opened:
            await bmc.close()
        await rack.served.close()


@pytest.fixture
async def rack(make_rack: MakeRack) -> Rack:
    """A rack with a plain BMC."""
    return await make_rack()


@pytest.fixture
def samples() -> Path:
    """Recorded Redfish trees, beside the checkout; a user's clone has none."""
    found = Path(__file__).parents[2].parent / "shared" / "samples" / "redfish"
    if not found.is_dir():
        pytest.skip("the recorded Redfish trees are not beside this checkout")
    return found
