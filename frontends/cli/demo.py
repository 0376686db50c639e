"""How the demo's end looks."""

from collections.abc import Sequence

from rich.table import Table

from frontends.cli.output import table


def witness_table(rows: Sequence[dict[str, object]]) -> Table:
    """One row a machine: what it counted of itself."""
    columns = ("name", "state", "wipes", "network_boots", "disk_boots", "bmc", "http", "ansible_modules", "evidence")
    cells = [
        [
            str(row["name"]),
            str(row["state"]),
            str(row["wipes"]),
            str(row["network_boots"]),
            str(row["disk_boots"]),
            str(_total(row["bmc_requests"])),
            str(_total(row["http_requests"])),
            str(row["ansible_modules"]),
            str(row["evidence"])[:12],
        ]
        for row in rows
    ]
    return table("what the machines counted themselves", columns, cells)


def _total(counts: object) -> int:
    return sum(counts.values()) if isinstance(counts, dict) else 0
