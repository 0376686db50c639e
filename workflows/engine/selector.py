"""Selectors: a name, a range, ``rack:R12``, ``tag:…``, ``sku:…``, or several of them separated by commas. Pure.

A name matches the inventory's name, the DNS name's first label or the node key, without regard to case. A range is
``gpu-[001-032]`` with the width of its first number kept.
"""

import re
from collections.abc import Iterable

from workflows.model.desired import Desired
from workflows.model.errors import BadInput

MAX_NODES = 20_000
_RANGE = re.compile(r"\[(\d{1,9})-(\d{1,9})\]")


def select(selector: str, nodes: Iterable[Desired]) -> list[Desired]:
    """The nodes that a selector names, in the order of their labels.

    Raises:
        BadInput: a part of another form, a part that matches nothing, or a name that two nodes share.
    """
    known = list(nodes)
    found: dict[str, Desired] = {}
    for part in (p.strip() for p in selector.split(",")):
        if not part:
            raise BadInput(f"selector {selector!r} has an empty part")
        for node in _part(part, known):
            found[node.node] = node
    return sorted(found.values(), key=lambda d: d.label)


def _part(part: str, known: list[Desired]) -> list[Desired]:
    kind, colon, value = part.partition(":")
    if colon:
        if kind not in ("rack", "tag", "sku"):
            raise BadInput(f"selector {part!r}: use a name, a range, rack:, tag: or sku:")
        matched = [d for d in known if _has(d, kind, value)]
        if not matched:
            raise BadInput(f"selector {part!r} matches no node")
        return matched
    return [_named(name, known) for name in _expand(part)]


def _has(desired: Desired, kind: str, value: str) -> bool:
    match kind:
        case "rack":
            return desired.rack is not None and desired.rack.lower() == value.lower()
        case "tag":
            return value in desired.tags
        case _:
            return desired.profile is not None and desired.profile.sku.name == value


def _expand(part: str) -> list[str]:
    match = _RANGE.search(part)
    if match is None:
        if "[" in part or "]" in part:
            raise BadInput(f"selector {part!r}: a range is written like gpu-[001-032]")
        return [part]
    first, last = int(match[1]), int(match[2])
    if last < first or last - first >= MAX_NODES:
        raise BadInput(f"selector {part!r}: a range runs upwards and holds at most {MAX_NODES} nodes")
    width = len(match[1])
    return [
        name
        for number in range(first, last + 1)
        for name in _expand(f"{part[: match.start()]}{number:0{width}d}{part[match.end() :]}")
    ]


def _named(name: str, known: list[Desired]) -> Desired:
    wanted = name.lower()
    matched = [d for d in known if wanted in _names(d)]
    if not matched:
        raise BadInput(f"no node is called {name!r}")
    if len(matched) > 1:
        keys = ", ".join(d.node for d in matched)
        raise BadInput(f"{name!r} names several nodes ({keys}): use the node key")
    return matched[0]


def _names(desired: Desired) -> set[str]:
    names = {desired.node, desired.node.partition(".")[2]}
    for name in (desired.name, desired.dns_name):
        if name:
            names |= {name.lower(), name.lower().partition(".")[0]}
    return names
