"""Addresses of BMCs, as people write them into the inventory, parsed once."""

import ipaddress
import re
from dataclasses import dataclass

from workflows.model.errors import BadInput

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class BmcAddress:
    """Where a BMC is. ``port`` is None for the protocol's own; ``plain`` where the address says ``http://``."""

    host: str
    port: int | None
    plain: bool = False

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return self.url.partition("://")[2]

    @property
    def url(self) -> str:
        """The Redfish base URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        return f"{'http' if self.plain else 'https'}://{host}{port}"


def parse_address(text: str) -> BmcAddress:
    """Parse ``host``, ``host:port``, an IPv6 address (with a port: in brackets), or a URL without path.

    Raises:
        BadInput: anything else.
    """
    rest = text.strip()
    plain = rest.startswith("http://")
    rest = rest.removeprefix("http://").removeprefix("https://").removesuffix("/")
    host, port = rest, None
    if rest.startswith("["):
        host, _, tail = rest[1:].partition("]")
        port = tail.removeprefix(":") or None
        if tail and not tail.startswith(":"):
            raise BadInput(f"BMC address {text[:200]!r} is not host, host:port, or a URL without path")
    elif rest.count(":") == 1:
        host, port = rest.split(":")
    if not _is_host(host) or (port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise BadInput(f"BMC address {text[:200]!r} is not host, host:port, or a URL without path")
    return BmcAddress(host, int(port) if port else None, plain)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True
