"""Opens the one BMC that a command line names: its credential from the environment or a file, never from arguments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app.config import BMC_PASSWORD, BMC_USERNAME, bmc_login
from frontends.cli.bmc import Access
from workflows.engine.ports import OpenedBmc
from workflows.model.desired import BmcTarget
from workflows.model.errors import BadInput

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

    drivers = BmcDrivers(_Given(_fields(access)), timedelta(seconds=access.timeout))
    bmc = drivers.connect(BmcTarget(address=access.address, credential=_GIVEN), access.protocol)
    try:
        yield bmc
    finally:
        await bmc.close()


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
