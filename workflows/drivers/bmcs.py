"""Opens BMCs by what desired state says of them: resolves the credential, picks the protocol, shares the breaker."""

import asyncio
from datetime import timedelta

from workflows.drivers.address import BmcAddress, parse_address
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential, parse_credential
from workflows.drivers.ipmi import IpmiBmc
from workflows.drivers.pins import Pins
from workflows.drivers.redfish import RedfishBmc
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.layout import Memory
from workflows.drivers.redfish.tls import tls_for
from workflows.drivers.redfish.wire import Wire
from workflows.engine.ports import Secrets
from workflows.model.desired import BmcTarget
from workflows.model.errors import Refused
from workflows.model.profile import BmcProtocol

CALL_TIMEOUT = timedelta(seconds=10)
"""How long one write to a BMC may take; the time rule's fence waits as long."""


IPMI_AT_ONCE = 16
"""Children for IPMI calls at a time, each of 30 MB and a quarter of a second of CPU; a dead BMC has one for 10 s."""


class BmcDrivers:
    """Implements ``Bmcs``. One breaker a BMC, and what is known of its layout, are shared by all that this connects."""

    def __init__(
        self,
        secrets: Secrets,
        timeout: timedelta = CALL_TIMEOUT,
        ipmi_at_once: int = IPMI_AT_ONCE,
        pins: Pins | None = None,
    ):
        self._secrets, self._timeout, self._pins = secrets, timeout.total_seconds(), pins
        self._breakers: dict[tuple[str, int | None], Breaker] = {}
        self._memories: dict[tuple[str, int | None], Memory] = {}
        self._ipmi_turn = asyncio.Semaphore(ipmi_at_once)

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> RedfishBmc | IpmiBmc:
        """A BMC; no traffic yet.

        Raises:
            Refused: the address or the credential is malformed or missing, or plain HTTP is not permitted.
        """
        address = parse_address(target.address)
        credential = parse_credential(target.credential, self._secrets.get(target.credential))
        place = (address.host, address.port)
        breaker = self._breakers.setdefault(place, Breaker(f"BMC {address.host}"))
        if protocol is BmcProtocol.IPMI:
            return IpmiBmc(address, credential, breaker, self._timeout, self._ipmi_turn)
        wire = self._wire(address, credential)
        channel = Channel(wire, credential, breaker, self._timeout)
        return RedfishBmc(channel, self._memories.setdefault(place, Memory()))

    def _wire(self, address: BmcAddress, credential: Credential) -> Wire:
        if address.plain and not credential.insecure:
            raise Refused(
                f"BMC {address.url} is plain HTTP: the password would be readable on the wire; use https or, if that "
                "network is trusted, permit it (insecure: true in its secret, --insecure on the command line)"
            )
        pinned = self._pins.get(address) if self._pins is not None else None
        return Wire(f"BMC {address.host}", address, tls_for(credential, pinned), self._timeout)
