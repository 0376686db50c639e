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
    """One row a machine: what its disk, QEMU, its BMC, NetBox and OpenSM say."""
    columns = (
        *("name", "state", "netbox", "disk's marker", "MB by QEMU", "data disk", "power-ons"),
        *("BMC calls", "stale", "LID by OpenSM", "evidence"),
    )
    cells = [
        [
            str(row["name"]),
            str(row["state"]),
            str(row["netbox"]),
            f"{row['writes_on_disk']} by {row['written_by']}" if row["writes_on_disk"] else "none",
            f"{int(str(row['bytes_written'])) / 1e6:.0f}",
            "untouched" if row["data_disk_untouched"] else "CHANGED",
            str(row["boots"]),
            str(_total(row["bmc_requests"])),
            str(row["bmc_stale_writes"]),
            str(row["lid"] or "none"),
            str(row["evidence"])[:12],
        ]
        for row in rows
    ]
    return table("what disks, QEMU, BMCs, NetBox and OpenSM say themselves", columns, cells)


def _total(counts: object) -> int:
    return sum(counts.values()) if isinstance(counts, dict) else 0
