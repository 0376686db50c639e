"""Reads a matrix of nodes by rails: a low row is a node, a low cell a cable, a low rail of a leaf a switch.

Theory of operation. A cell is what a node reached over one rail with a partner that is known to be good there. The
heaviest explanation that covers cells is taken first, and what it covers explains nothing else: a rail that is low on
most nodes of a leaf is the leaf's switch of that rail (a fault of one switch would else accuse every node below it); a
node that is low on most of the rails that are left is the node; each single cell that remains is its cable or port. A
cell without a value is low: a test that hung is no pass. A cell that was never measured is open and counts for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

type Cell = tuple[str, int]
type Matrix = Mapping[Cell, float | None]


class Kind(StrEnum):
    """What a finding accuses."""

    NODE = "node"
    CABLE = "cable"
    RAIL = "rail"
    PATH = "path"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault. ``nodes``: the node, the two ends of a path, those that can't be told apart; of a rail, its leaf's name.

    ``rails``: the rails that show it.
    """

    kind: Kind
    nodes: tuple[str, ...]
    rails: tuple[int, ...]

    @property
    def words(self) -> str:
        """It in one sentence, with what to do."""
        rails, nodes = ", ".join(map(str, self.rails)), " and ".join(self.nodes)
        match self.kind:
            case Kind.NODE:
                return f"node {nodes} is slow on rails {rails} with every partner: take it out and look at it"
            case Kind.CABLE:
                return f"node {nodes} is slow on rail {rails} only: its adapter, cable or switch port there"
            case Kind.RAIL:
                return f"rail {rails} is slow for the nodes of leaf {nodes}: its switch, not the nodes"
            case Kind.PATH:
                return f"{nodes} are slow only with each other on rails {rails}: a link between their switches"
            case Kind.UNDECIDED:
                return f"{nodes}: slow on rails {rails}, and no good partner is left to tell which of them it is"


def read_matrix(
    matrix: Matrix, floor: float, leaves: Mapping[str, str] | None = None, fewest: int = 3
) -> tuple[Finding, ...]:
    """What explains the low cells. ``leaves`` names each node's leaf group; without it all are of one, named ``all``.

    A leaf needs ``fewest`` measured nodes before its switch can be accused.
    """
    low = {cell for cell, value in matrix.items() if value is None or not value >= floor}
    rows, columns = dict[str, list[Cell]](), dict[tuple[str, int], list[Cell]]()
    for node, rail in sorted(matrix):
        rows.setdefault(node, []).append((node, rail))
        columns.setdefault(((leaves or {}).get(node, "all"), rail), []).append((node, rail))
    dark = {node for node, cells in rows.items() if len(cells) > 1 and _mostly(low, cells)}
    findings, explained = list[Finding](), set[Cell]()
    for (leaf, rail), cells in columns.items():
        # A node that is low everywhere is no witness against a switch, unless most nodes of the leaf are like it.
        others = [cell for cell in cells if cell[0] not in dark]
        witnesses = others if 2 * len(others) >= len(cells) else cells
        if len(witnesses) >= fewest and _mostly(low, witnesses):
            findings.append(Finding(Kind.RAIL, (leaf,), (rail,)))
            explained.update(cells)
    for node, cells in rows.items():
        left = [cell for cell in cells if cell not in explained]
        mine = tuple(sorted(rail for _, rail in low.intersection(left)))
        if len(left) > 1 and _mostly(low, left):
            findings.append(Finding(Kind.NODE, (node,), mine))
        else:
            findings += [Finding(Kind.CABLE, (node,), (rail,)) for rail in mine]
    return tuple(sorted(findings))


def _mostly(low: set[Cell], cells: list[Cell]) -> bool:
    return bool(cells) and 2 * len(low.intersection(cells)) > len(cells)
