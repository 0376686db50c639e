"""What is checked of a BMC's certificate, and what is said of one that nobody vouches for."""

import asyncio
import contextlib
import hashlib
import ssl
from functools import lru_cache

import aiohttp

from workflows.drivers.address import BmcAddress
from workflows.drivers.credential import Credential
from workflows.model.errors import Refused

type Tls = ssl.SSLContext | aiohttp.Fingerprint | bool

_LOOK = 5.0


def tls_for(credential: Credential, pinned: str | None) -> Tls:
    """The check: the fingerprint of the secret or an approved pin, else the site's authorities, else, if permitted, none.

    Raises:
        Refused: the file of authorities can't be read.
    """
    fingerprint = credential.fingerprint or pinned
    if fingerprint is not None:
        return aiohttp.Fingerprint(bytes.fromhex(fingerprint))
    if credential.ca is None and credential.insecure:
        return False
    return _context(credential.ca)


@lru_cache(maxsize=64)
def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise Refused(
            f"the file of certificate authorities {ca} can't be read: {error.strerror or 'it is no PEM file'}"
        ) from None


async def shown_fingerprint(address: BmcAddress) -> str | None:
    """The SHA-256 of the certificate that is shown there, for a person to compare."""
    shown = await shown_certificate(address)
    return hashlib.sha256(shown).hexdigest() if shown else None


async def shown_certificate(address: BmcAddress) -> bytes | None:
    """The certificate (DER) that is shown there; nothing is sent, nothing trusted. None where there is no TLS."""
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LOOK):
            _, writer = await asyncio.open_connection(address.host, address.port or 443, ssl=anything)
        try:
            shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.transport.abort()
        return shown
    return None
