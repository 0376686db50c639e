"""Opens the one BMC that a command line names: its credential from the environment or a file, never from arguments."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from app.config import BMC_PASSWORD, BMC_USERNAME, bmc_login
from frontends.cli.bmc import Access
from frontends.cli.bmc_trust import ShownCertificate
from workflows.engine.ports import OpenedBmc
from workflows.model.desired import BmcTarget
from workflows.model.errors import BadInput, Unreachable

_GIVEN = "given"


class _Given:
    """Implements ``Secrets`` for the one credential that was given."""

    def __init__(self, fields: dict[str, str]):
        self._fields = fields

    def get(self, reference: str) -> dict[str, str]:
        """The fields."""
        return self._fields


@asynccontextmanager
async def open_bmc(access: Access) -> AsyncIterator[OpenedBmc]:
    """The BMC, closed at the end; no traffic yet.

    Raises:
        BadInput: no credential is given, or the address is none.
        Refused: plain HTTP isn't permitted, or a file can't be read.
    """
    from workflows.drivers.bmcs import BmcDrivers
    from workflows.drivers.pins import Pins

    drivers = BmcDrivers(_Given(_fields(access)), timedelta(seconds=access.timeout), pins=Pins(access.pins))
    bmc = drivers.connect(BmcTarget(address=access.address, credential=_GIVEN), access.protocol)
    try:
        yield bmc
    finally:
        await bmc.close()


async def look_at(address: str) -> ShownCertificate:
    """The certificate that a BMC shows. Raises Unreachable where it shows none within 5 s."""
    from cryptography import x509

    from workflows.drivers.address import parse_address
    from workflows.drivers.redfish.tls import shown_certificate

    shown = await shown_certificate(parse_address(address))
    if shown is None:
        raise Unreachable(f"BMC {address} shows no certificate: is it there, and does it speak TLS?")
    try:
        found = x509.load_der_x509_certificate(shown)
        names = found.subject.rfc4514_string(), found.issuer.rfc4514_string()
        dates = str(found.not_valid_before_utc.date()), str(found.not_valid_after_utc.date())
    except ValueError:
        names, dates = ("unreadable", "unreadable"), ("?", "?")
    return ShownCertificate(hashlib.sha256(shown).hexdigest(), *names, *dates)


def pin(address: str, directory: Path, fingerprint: str, replace: bool) -> None:
    """Pin a certificate that a person approved. Raises Refused, see ``Pins.put``."""
    from workflows.drivers.address import parse_address
    from workflows.drivers.pins import Pins

    Pins(directory).put(parse_address(address), fingerprint, replace=replace)


def _fields(access: Access) -> dict[str, str]:
    from workflows.drivers.secrets import read_secret_file

    if access.credentials is not None:
        try:
            fields = read_secret_file(access.credentials, "the credential")
        except FileNotFoundError:
            raise BadInput(
                f"there is no file {access.credentials}: write username and password into it, mode 0600"
            ) from None
    else:
        fields = bmc_login()
        missing = [n for n, f in ((BMC_USERNAME, "username"), (BMC_PASSWORD, "password")) if f not in fields]
        if missing:
            raise BadInput(
                f"no credential for the BMC: set {' and '.join(missing)}, or name a file of mode 0600 with username and "
                "password by --credentials"
            )
    if access.ca is not None:
        fields["ca"] = str(access.ca)
    if access.fingerprint is not None:
        fields["fingerprint"] = access.fingerprint
    if access.insecure:
        fields["insecure"] = "true"
    return fields
