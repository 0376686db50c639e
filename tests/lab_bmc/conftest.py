"""A lab BMC over TLS on loopback, of any kind, and a client that trusts it."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
import sushy

from lab.bmc.bmc import LabBmc
from lab.bmc.server import ServedBmc, serve
from lab.bmc.simulated import SimulatedMachine
from lab.bmc.tls import LabCertificate, make_certificate
from lab.bmc.traits import PLAIN

UUID = "3c1f0b0e-0000-4a6e-9d6b-7cc25550a8ff"
USER = ("bringup", "lab-password")
AUTH = {"Authorization": aiohttp.encode_basic_auth(*USER)}
SESSIONS = "/redfish/v1/SessionService/Sessions"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> LabCertificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
async def served(request: pytest.FixtureRequest, certificate: LabCertificate) -> AsyncIterator[ServedBmc]:
    traits = getattr(request, "param", PLAIN)
    machine = SimulatedMachine("SN1", UUID, ("02:00:00:00:00:01",))
    async with await serve(LabBmc(machine, traits=traits), certificate=certificate) as bmc:
        yield bmc


@pytest.fixture
async def http(certificate: LabCertificate) -> AsyncIterator[aiohttp.ClientSession]:
    context = ssl.create_default_context(cafile=str(certificate.ca))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


def boots(served: ServedBmc) -> list[str]:
    machine = served.bmc.machine
    assert isinstance(machine, SimulatedMachine)
    return machine.boots


@contextmanager
def sushy_of(served: ServedBmc, certificate: LabCertificate) -> Iterator[Any]:
    """A ``sushy`` root, logged in; for a thread. Logged out at its end: sushy else does that whenever it is collected,
    in the thread where that happens, which may be the one that has to answer.
    """
    auth = sushy.auth.SessionAuth(*USER)
    try:
        yield sushy.Sushy(served.url, auth=auth, verify=str(certificate.ca))
    finally:
        auth.close()
