"""The commands ``bringup demo`` and ``bringup demo-real``."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from frontends.cli.demo import real_witness_table, witness_table
from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import console, print_json, safe

Machines = Annotated[int, typer.Option("--machines", "-n", help="how many machines", min=1, max=64)]
RealMachines = Annotated[int, typer.Option("--machines", "-n", help="how many machines", min=1, max=8)]
Patience = Annotated[float, typer.Option("--patience", help="seconds after which it has failed", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="print each machine's own account as JSON")]
BlockBoot = Annotated[
    bool, typer.Option("--block-boot", help="nothing listens on the boot service's port: it must fail")
]
Cache = Annotated[Path | None, typer.Option("--cache", help="where NetBox and images are kept [~/.cache/bringup]")]


def add_demos(cli: typer.Typer) -> None:
    """Add the commands."""
    _add_demo(cli)
    _add_demo_real(cli)


def _add_demo(cli: typer.Typer) -> Callable[..., None]:
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


def _add_demo_real(cli: typer.Typer) -> Callable[..., None]:
    @cli.command("demo-real")
    def demo_real(
        machines: RealMachines = 2, patience: Patience = 1500, as_json: AsJson = False, cache: Cache = None
    ) -> None:
        """QEMU machines really boot, with a real NetBox, NATS, dnsmasq, NFS and OpenSM: all but the hardware. Needs root."""
        from app.demo_real import demo_real as run_demo_real

        kept = cache or Path.home() / ".cache" / "bringup"
        done = run_demo_real(machines, timedelta(seconds=patience), not as_json, kept.absolute())
        well = sum(not row.doubts for row in done.machines)
        if as_json:
            rows = [asdict(row) | {"doubts": row.doubts} for row in done.machines]
            print_json({"seconds": round(done.seconds, 1), "machines": rows, "forbidden": done.forbidden})
        else:
            out = console()
            out.print()
            out.print(real_witness_table([asdict(row) for row in done.machines]))
            for row in done.machines:
                for doubt in row.doubts:
                    out.print(safe(f"{row.name}: {doubt}"))
            for line in done.forbidden:
                out.print(safe(f"NATS refused a login of ours: {line}"))
            out.print(
                f"{well} of {machines} machines in service after {done.seconds:.0f} s, each by one write of its disk"
            )
        raise typer.Exit(OK if done.well else NOT_WELL)

    return demo_real
