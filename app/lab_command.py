"""The commands ``bringup lab …``: the lab as part of the product, for whoever wants to see the promises kept."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import console, print_json, safe, table
from workflows.model.errors import BadInput

Runs = Annotated[
    int, typer.Option("--runs", "-n", help="how many machines are installed, one run each", min=1, max=1000)
]
Seed = Annotated[int, typer.Option("--seed", help="chooses kinds of blows, victims and pauses")]
AsJson = Annotated[bool, typer.Option("--json", help="print everything that was counted as JSON")]
Workers = Annotated[int, typer.Option("--workers", help="worker processes", min=2, max=16)]
Window = Annotated[int, typer.Option("--window", help="machines under way at a time", min=1, max=200)]
Plays = Annotated[int, typer.Option("--ansible-every", help="every n-th machine by a real Ansible; 0: none", min=0)]
Patience = Annotated[
    float | None,
    typer.Option(
        "--patience", help="seconds after which what hasn't ended is lost [300 + 10 a run]", min=1, show_default=False
    ),
]
Keep = Annotated[
    Path | None, typer.Option("--keep", help="an empty directory that keeps all logs and stores; else nothing is left")
]
_CHAOS = (
    "Install simulated machines while workers, boot services and NATS servers are killed, paused and cut off.\n\n"
    "Needs no configuration, no hardware and no network; as root it also cuts NATS servers off, in network namespaces of "
    "its own. What it does is said on standard error meanwhile; 24 runs take two to three minutes. Exit 0: every run ended, "
    "no disk was written twice, nothing stale was taken, and both fences were tried. Exit 5: the report names what wasn't "
    "so. docs/chaos.md says who counts what."
)
_INTERRUPTED = "interrupted: every process has been ended, and nothing is proven"


def add_lab(cli: typer.Typer) -> None:
    """Add the commands."""
    lab = typer.Typer(no_args_is_help=True)
    cli.add_typer(lab, name="lab")

    @lab.callback()
    def group() -> None:
        """What proves bringup without hardware."""

    @lab.command(help=_CHAOS)
    def chaos(
        runs: Runs = 24,
        seed: Seed = 1,
        as_json: AsJson = False,
        workers: Workers = 3,
        window: Window = 10,
        ansible_every: Plays = 8,
        patience: Patience = None,
        keep: Keep = None,
    ) -> None:
        from lab.chaos.island import private_network
        from lab.chaos.run import chaos as run_chaos

        if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise BadInput(f"{keep} is no empty directory: name another one for --keep")
        logging.getLogger("bringup").setLevel(logging.ERROR)  # that NATS is away is the point here
        seconds = timedelta(seconds=patience if patience is not None else 300 + 10 * runs)
        work = run_chaos(
            runs,
            seed,
            seconds,
            workers=workers,
            window=window,
            real_every=ansible_every,
            keep=keep.absolute() if keep is not None else None,
            left_out=private_network(),
            say=lambda line: typer.echo(line, err=True),
        )
        try:
            report = asyncio.run(_until_told(work))
        except (KeyboardInterrupt, asyncio.CancelledError):
            typer.echo(_INTERRUPTED, err=True)
            raise typer.Exit(NOT_WELL) from None
        if as_json:
            print_json(report.json())
        else:
            console().print(table("chaos, as machines, BMCs and the store counted it", ("", ""), report.rows()))
            for problem in report.problems():
                console().print(safe(f"✗ {problem}"))
        raise typer.Exit(NOT_WELL if report.problems() else OK)


async def _until_told[T](work: Coroutine[Any, Any, T]) -> T:
    """The work, cancelled by SIGTERM as by Ctrl-C, so that it ends what it started."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
