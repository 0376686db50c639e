"""``evidence``: the bundle of a node's newest burn-in, as one file."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from frontends.cli.output import console, safe
from frontends.evidence import Pages, gather
from frontends.read_model import one_node
from frontends.site import OpenSite
from workflows.model.errors import Refused

Rma = Annotated[
    bool, typer.Option("--rma", help="with serials of all parts, the run's journal and its log, for a repair")
]
Out = Annotated[Path, typer.Option("--out", help="the directory that gets the file")]


def add_evidence(cli: typer.Typer, open_site: OpenSite, pages: Callable[[], Pages]) -> None:
    """Add the command. ``pages`` is called when it is needed: it loads what renders them."""

    @cli.command()
    def evidence(node: Annotated[str, typer.Argument(help="one node")], rma: Rma = False, out: Out = Path()) -> None:
        """Everything that a node's newest burn-in was judged by, as one .tar.xz: report, raw outputs, what to replace."""
        path = asyncio.run(_evidence(open_site, node, pages(), rma, out))
        console().print(safe(str(path)))


async def _evidence(open_site: OpenSite, node: str, pages: Pages, rma: bool, out: Path) -> Path:
    async with open_site() as site:
        view = await one_node(site.store, site.settings.site, node)
        bundle = await gather(site, view, pages, rma=rma)
        modified = int(site.clock.now().timestamp())
    path = out / f"{bundle.name}.tar.xz"
    try:
        await asyncio.to_thread(_write, path, bundle.packed(modified))
    except FileExistsError:
        raise Refused(f"{path} is there already: move it away, or name another directory by --out") from None
    except OSError as error:
        raise Refused(f"{path} can't be written: {error.strerror}") from None
    return path


def _write(path: Path, data: bytes) -> None:
    """A new file that only its owner reads: it holds serials and logs."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(data)
