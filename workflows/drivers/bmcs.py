"""Opens BMCs by what desired state says of them: resolves the credential, picks the protocol, shares the breaker."""

from datetime import timedelta

from workflows.drivers.address import BmcAddress, parse_address
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential, parse_credential
from workflows.drivers.ipmi import IpmiBmc
from workflows.drivers.redfish import RedfishBmc
from workflows.drivers.redfish.wire import Wire, tls_of
from workflows.engine.ports import Bmc, Secrets
from workflows.model.desired import BmcTarget
from workflows.model.errors import Refused
from workflows.model.profile import BmcProtocol

CALL_TIMEOUT = timedelta(seconds=10)
"""How long one write to a BMC may take; the time rule's fence waits as long."""


class BmcDrivers:
    """Implements ``Bmcs``. One breaker a BMC is shared by all that this object connects."""

    def __init__(self, secrets: Secrets, timeout: timedelta = CALL_TIMEOUT):
        self._secrets, self._timeout = secrets, timeout.total_seconds()
        self._breakers: dict[tuple[str, int | None], Breaker] = {}

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> Bmc:
        """A BMC; no traffic yet.

        Raises:
            Refused: the address or the credential is malformed or missing, or plain HTTP is not permitted.
        """
        address = parse_address(target.address)
        credential = parse_credential(target.credential, self._secrets.get(target.credential))
        breaker = self._breakers.setdefault((address.host, address.port), Breaker(f"BMC {address.host}"))
        if protocol is BmcProtocol.IPMI:
            return IpmiBmc(address, credential, breaker, self._timeout)
        return RedfishBmc(self._wire(address, credential, target.credential), credential, breaker, self._timeout)

    def _wire(self, address: BmcAddress, credential: Credential, reference: str) -> Wire:
        if address.plain and not credential.insecure:
            raise Refused(
                f"BMC {address.url} is plain HTTP: the password would be readable on the wire; use https, or set "
                f"insecure: true in the secret {reference} if that network is trusted"
            )
        tls = tls_of(credential.ca, credential.fingerprint)
        return Wire(f"BMC {address.host}", address.url, tls, self._timeout)
