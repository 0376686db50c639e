"""``ibstat`` of infiniband-diags, versions 39 to 47 and Debian's 44. Source: recorded outputs; ibstat.c."""

import re
from dataclasses import dataclass, field

from burn_in.readers.text import plain_lines
from burn_in.readers.unreadable import Unreadable

_CA = re.compile(r"^CA '([^']+)'$")
_PORT = re.compile(r"^Port (\d+):$")
_FIELD = re.compile(r"^([A-Z][A-Za-z ]+): ?(.*)$")
_GUID = re.compile(r"^0x([0-9a-fA-F]{1,16})$")
_NUMBER = re.compile(r"^[0-9]{1,9}(?:\.[0-9]{1,9})?$")
_LAYERS = ("InfiniBand", "IB", "Ethernet", "Unspecified")


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
        Unreadable: a field or a port of an adapter is missing (the output was cut), or ibstat gave up on the way.
    """
    adapters = list[_Adapter]()
    for raw in plain_lines(text):
        line = raw.strip()
        if "ibpanic" in line or "iberror" in line:
            raise Unreadable(f"ibstat gave up: {line[:120]}")
        if head := _CA.match(line):
            adapters.append(_Adapter(head[1]))
        elif adapters and (start := _PORT.match(line)):
            adapters[-1].ports.append((int(start[1][:4]), {}))
        elif adapters and (found := _FIELD.match(line)):
            own = adapters[-1].ports[-1][1] if adapters[-1].ports else adapters[-1].fields
            own[found[1]] = found[2].strip()
    for adapter in adapters:
        if adapter.fields.get("Number of ports", str(len(adapter.ports))) != str(len(adapter.ports)):
            raise Unreadable(f"ibstat: {adapter.name} lists another number of ports than it has, so the output was cut")
    ports = tuple(_port(a.name, number, fields) for a in adapters for number, fields in a.ports)
    if not ports or not adapters[-1].ports:
        raise Unreadable("ibstat lists no port, or its last adapter has none")
    return ports


@dataclass(slots=True)
class _Adapter:
    name: str
    fields: dict[str, str] = field(default_factory=dict)
    ports: list[tuple[int, dict[str, str]]] = field(default_factory=list)


def _port(device: str, port: int, fields: dict[str, str]) -> IbPort:
    where = f"ibstat: port {port} of {device}"
    try:
        guid, layer = _GUID.match(fields["Port GUID"]), fields["Link layer"]
        numbers = [fields[name] for name in ("Rate", "Base lid", "SM lid")]
        state, physical = fields["State"], fields["Physical state"]
    except KeyError as missing:
        raise Unreadable(f"{where} has no field {missing}") from None
    if guid is None or layer not in _LAYERS or not all(_NUMBER.match(n) for n in numbers):
        raise Unreadable(f"{where} has a GUID, rate, LID or link layer in an unknown form")
    return IbPort(
        device=device,
        port=port,
        guid=f"{int(guid[1], 16):016x}",
        state=state,
        physical_state=physical,
        rate_gbps=float(numbers[0]),
        lid=int(float(numbers[1])),
        sm_lid=int(float(numbers[2])),
        link_layer=layer,
    )
