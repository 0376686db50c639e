"""The command ``bringup demo``."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from frontends.cli.demo import witness_table
from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import console, print_json

Machines = Annotated[int, typer.Option("--machines", "-n", help="how many machines", min=1, max=64)]
Patience = Annotated[float, typer.Option("--patience", help="seconds after which it has failed", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="print each machine's own account as JSON")]
BlockBoot = Annotated[
    bool, typer.Option("--block-boot", help="nothing listens on the boot service's port: it must fail")
]


def add_demo(cli: typer.Typer) -> Callable[..., None]:
    """Add the command."""

    @cli.command()
    def demo(
        machines: Machines = 8, patience: Patience = 170, as_json: AsJson = False, block_boot: BlockBoot = False
    ) -> None:
        """A rack of simulated machines goes into service: no root, no hardware, nothing left behind."""
        from app.demo import demo as run_demo

        rows, seconds = asyncio.run(run_demo(machines, timedelta(seconds=patience), not as_json, block_boot))
        well = sum(row.well for row in rows)
        if as_json:
            print_json({"seconds": round(seconds, 1), "machines": [asdict(row) | {"well": row.well} for row in rows]})
        else:
            out = console()
            out.print()
            out.print(witness_table([asdict(row) for row in rows]))
            out.print(
                f"{well} of {machines} machines in service after {seconds:.0f} s, each by one wipe and on evidence"
            )
        raise typer.Exit(OK if well == machines else NOT_WELL)

    return demo
