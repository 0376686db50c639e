"""How the demos' ends look."""

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


def real_witness_table(rows: Sequence[dict[str, object]]) -> Table:
    """One row a witness, one column a machine: so that it is read whole in a terminal of 80 columns."""
    said = [
        ("bringup: state", [str(row["state"]) for row in rows]),
        ("bringup: report", [str(row["evidence"])[:12] or "none" for row in rows]),
        ("NetBox: status", [str(row["netbox"]) for row in rows]),
        ("system disk: writes", [str(row["writes_on_disk"]) for row in rows]),
        ("system disk: written by", [str(row["written_by"]) or "nobody" for row in rows]),
        ("data disk", ["untouched" if row["data_disk_untouched"] else "CHANGED" for row in rows]),
        ("QEMU: MB written", [f"{int(str(row['bytes_written'])) / 1e6:.0f}" for row in rows]),
        ("QEMU: power-ons", [str(row["boots"]) for row in rows]),
        ("BMC: calls", [str(_total(row["bmc_requests"])) for row in rows]),
        ("BMC: stale writes", [str(row["bmc_stale_writes"]) for row in rows]),
        ("OpenSM: LID", [str(row["lid"] or "none") for row in rows]),
    ]
    columns = ("witness", *(str(row["name"]) for row in rows))
    return table("what each part of the world says itself", columns, [[witness, *cells] for witness, cells in said])


def _total(counts: object) -> int:
    return sum(counts.values()) if isinstance(counts, dict) else 0
