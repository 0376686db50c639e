"""Selectors: a name, a range, ``rack:R12``, ``tag:…``, ``sku:…``, or several of them separated by commas. Pure.

A name matches the inventory's name, the DNS name's first label or the node key, without regard to case. A range is
``gpu-[001-032]`` with the width of its first number kept.
"""

import re
from collections.abc import Iterable, Iterator

from workflows.model.desired import Desired
from workflows.model.errors import BadInput

MAX_NODES = 20_000
_RANGE = re.compile(r"\[(\d{1,9})-(\d{1,9})\]")


def select(selector: str, nodes: Iterable[Desired]) -> list[Desired]:
    """The nodes that a selector names, in the order of their labels.

    Raises:
        BadInput: a part of another form, a part that matches nothing, a name that two nodes share, or names of more than
            ``MAX_NODES`` nodes.
    """
    known, named = list(nodes), _Names()
    found: dict[str, Desired] = {}
    for part in (p.strip() for p in selector.split(",")):
        if not part:
            raise BadInput(f"selector {selector[:200]!r} has an empty part")
        if ":" in part:
            found |= {d.node: d for d in _matching(part, known)}
            continue
        for name in _expand(part):
            node = named.one(name, known)
            found[node.node] = node
            if named.asked > MAX_NODES:
                raise BadInput(f"the selector names more than {MAX_NODES} nodes: send it in parts")
    return sorted(found.values(), key=lambda d: d.label)


def _matching(part: str, known: list[Desired]) -> list[Desired]:
    kind, _, value = part.partition(":")
    if kind not in ("rack", "tag", "sku"):
        raise BadInput(f"selector {part!r}: use a name, a range, rack:, tag: or sku:")
    matched = [d for d in known if _has(d, kind, value)]
    if not matched:
        raise BadInput(f"selector {part!r} matches no node")
    return matched


def _has(desired: Desired, kind: str, value: str) -> bool:
    match kind:
        case "rack":
            return desired.rack is not None and desired.rack.lower() == value.lower()
        case "tag":
            return value in desired.tags
        case _:
            return desired.profile is not None and desired.profile.sku.name == value


def _expand(part: str) -> Iterator[str]:
    """The names of a part, one by one: the first that nobody has ends it, however many would follow."""
    match = _RANGE.search(part)
    if match is None:
        if "[" in part or "]" in part:
            raise BadInput(f"selector {part!r}: a range is written like gpu-[001-032]")
        yield part
        return
    first, last = int(match[1]), int(match[2])
    if last < first or last - first >= MAX_NODES:
        raise BadInput(f"selector {part!r}: a range runs upwards and holds at most {MAX_NODES} nodes")
    width = len(match[1])
    for number in range(first, last + 1):
        yield from _expand(f"{part[: match.start()]}{number:0{width}d}{part[match.end() :]}")


class _Names:
    """The nodes by each of their names, made when the first name is asked for. ``asked`` counts the names."""

    def __init__(self) -> None:
        self.asked = 0
        self._nodes: dict[str, list[Desired]] | None = None

    def one(self, name: str, known: list[Desired]) -> Desired:
        """The one node of a name."""
        self.asked += 1
        if self._nodes is None:
            self._nodes = {}
            for desired in known:
                for called in _names(desired):
                    self._nodes.setdefault(called, []).append(desired)
        matched = self._nodes.get(name.lower(), [])
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
