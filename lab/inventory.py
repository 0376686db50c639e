"""An inventory of files that hold the wishes themselves, one JSON file a node: for labs of thousands of machines.

Asked as cheaply as a lab needs; the real inventories (NetBox, YAML) have their own tests and figures.
"""

from dataclasses import dataclass
from pathlib import Path

from inventory_sync.record_wish import record_wish, stored
from workflows.engine.ports import Bus, Store
from workflows.model.desired import Desired
from workflows.model.keys import NodeKey


@dataclass(frozen=True, slots=True)
class FileInventory:
    """Implements ``ports.Inventory`` over a directory."""

    directory: Path

    async def read(self, node: NodeKey) -> Desired | None:
        """The node's file now; the first wish of a node is its generation 1."""
        try:
            return Desired.decode((self.directory / f"{node}.json").read_bytes())
        except FileNotFoundError:
            return None

    async def accepted_by(self, node: NodeKey) -> str:
        """Nobody writes back here."""
        return ""

    async def stage(self, wish: Desired, store: Store, bus: Bus) -> None:
        """Write a node's file, then do what ``inventory_sync`` does with it: store the wish, wake the node."""
        self.directory.mkdir(parents=True, exist_ok=True)
        first = wish.model_copy(update={"generation": 1})
        (self.directory / f"{wish.node}.json").write_bytes(first.encode())
        await record_wish(store, bus, await stored(store, wish.node), wish)
