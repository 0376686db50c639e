"""``ibstat`` of infiniband-diags, versions 39 to 47 and Debian's 44. Source: recorded outputs; ibstat.c."""

import re
from dataclasses import dataclass

from burn_in.readers.unreadable import Unreadable

_CA = re.compile(r"^CA '([^']+)'$")
_PORT = re.compile(r"^Port (\d+):$")
_FIELD = re.compile(r"^([A-Z][A-Za-z ]+): ?(.*)$")


@dataclass(frozen=True, slots=True)
class IbPort:
    """One port of one adapter. ``guid`` is the port's, 16 hex digits; ``lid`` 0 means that none was given."""

    device: str
    port: int
    guid: str
    state: str
    physical_state: str
    rate_gbps: float
    lid: int
    sm_lid: int
    link_layer: str

    @property
    def infiniband(self) -> bool:
        """Whether it is a port of an InfiniBand subnet; simulated ones say ``IB``, RoCE ones ``Ethernet``."""
        return self.link_layer in ("InfiniBand", "IB")


def read_ibstat(text: str) -> tuple[IbPort, ...]:
    """All ports that ibstat lists. A panic after some adapters (``ibpanic``) makes all of it unreadable.

    Raises:
        Unreadable: a field of a port is missing, or ibstat gave up on the way.
    """
    device, ports = "", list[IbPort]()
    port: int | None = None
    fields: dict[str, str] = {}
    for raw in [*text.splitlines(), "CA 'end'"]:
        line = raw.strip()
        if "ibpanic" in line or "iberror" in line:
            raise Unreadable(f"ibstat gave up: {line[:120]}")
        ca, start = _CA.match(line), _PORT.match(line)
        if (ca or start) and port is not None:
            ports.append(_port(device, port, fields))
        if ca:
            device, port, fields = ca.group(1), None, {}
        elif start:
            port, fields = int(start.group(1)), {}
        elif port is not None and (field := _FIELD.match(line)):
            fields[field.group(1)] = field.group(2).strip()
    if not ports:
        raise Unreadable("ibstat lists no port")
    return tuple(ports)


def _port(device: str, port: int, fields: dict[str, str]) -> IbPort:
    try:
        return IbPort(
            device=device,
            port=port,
            guid=f"{int(fields['Port GUID'], 16):016x}",
            state=fields["State"],
            physical_state=fields["Physical state"],
            rate_gbps=float(fields["Rate"]),
            lid=int(fields["Base lid"]),
            sm_lid=int(fields["SM lid"]),
            link_layer=fields["Link layer"],
        )
    except KeyError as missing:
        raise Unreadable(f"ibstat: port {port} of {device} has no field {missing}") from None
    except ValueError as error:
        raise Unreadable(f"ibstat: port {port} of {device}: {error}") from None
