"""``lscpu`` and ``lscpu -J`` in the C locale. Source: util-linux 2.31 to 2.40, sys-utils/lscpu.c."""

from collections.abc import Iterator
from dataclasses import dataclass

from burn_in.readers.json_output import JsonObject, one_object
from burn_in.readers.text import ended_lines
from burn_in.readers.unreadable import Unreadable


@dataclass(frozen=True, slots=True)
class Lscpu:
    """The processors. ``cpus`` counts threads; ``online`` as the tool lists them (``0-191``)."""

    architecture: str
    model: str | None
    cpus: int
    online: str | None
    sockets: int
    cores_per_socket: int
    threads_per_core: int
    numa_nodes: int


def read_lscpu(text: str) -> Lscpu:
    """The processors, printed or as JSON.

    Raises:
        Unreadable: no such output, half of it, another locale, or a count is missing.
    """
    if text.lstrip("\ufeff \r\n\t").startswith("{"):
        fields = dict(_flat(one_object(text, "lscpu"), "lscpu", 0))
    else:
        pairs = (line.partition(":") for line in ended_lines(text, "lscpu"))
        fields = {name.strip(): value.strip() for name, _, value in pairs}
    return Lscpu(
        architecture=_text(fields, "Architecture"),
        model=fields.get("Model name"),
        cpus=_whole(fields, "CPU(s)"),
        online=fields.get("On-line CPU(s) list"),
        sockets=_whole(fields, "Socket(s)"),
        cores_per_socket=_whole(fields, "Core(s) per socket"),
        threads_per_core=_whole(fields, "Thread(s) per core"),
        numa_nodes=_whole(fields, "NUMA node(s)"),
    )


def _flat(part: JsonObject, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Fields of all levels: newer versions nest them."""
    if depth > 8:
        raise Unreadable("lscpu: nested too deep")
    for field in part.children(name):
        yield field.text("field").rstrip(":"), field.maybe_text("data") or ""
        if field.values.get("children") is not None:
            yield from _flat(field, "children", depth + 1)


def _text(fields: dict[str, str], name: str) -> str:
    if not fields.get(name):
        raise Unreadable(f"lscpu: no {name} (is it the C locale?)")
    return fields[name]


def _whole(fields: dict[str, str], name: str) -> int:
    text = _text(fields, name)
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Unreadable(f"lscpu: {name} is {text[:40]!r}, no count")
    return int(text)
