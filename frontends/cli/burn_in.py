"""``bringup burn-in read``: one output of a node's tools, read as the burn-in reads it. No NATS, inventory or configuration.

What is read is printed whole, or the output is refused with the reason and exit code 1: there is no half of an answer.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from typer.core import TyperCommand

from frontends.cli.output import console, print_json, table
from workflows.model.errors import BadInput
from workflows.model.record import Json

type Kinds = Callable[[], Mapping[str, str]]
"""Every kind of output by name, and the command that prints it."""

type ReadOutput = Callable[[str, bytes], Json]
"""The record of an output of a kind. Raises BadInput with the reason where it is refused."""

_MAX_FILE = 64 << 20

KindName = Annotated[str, typer.Argument(metavar="KIND", help="what the file holds; the list is below")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="the output; - is standard input")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of YAML")]


def add_burn_in(cli: typer.Typer, kinds: Kinds, read_output: ReadOutput) -> None:
    """Add the commands."""
    burn_in = typer.Typer(help="Outputs of a node's tools, read and judged without a site.", no_args_is_help=True)
    cli.add_typer(burn_in, name="burn-in")

    class ListsKinds(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            """The readers are loaded here, not whenever the command line is built."""
            super().format_help(ctx, formatter)
            console().print(table("kinds", ("KIND", "what prints it"), [list(k) for k in kinds().items()]))

    @burn_in.command(cls=ListsKinds)
    def read(kind: KindName, file: File, as_json: AsJson = False) -> None:
        """One output as a typed record, or refused with the reason (exit code 1)."""
        record = read_output(kind, _content(file))
        if as_json:
            print_json(record)
        else:
            sys.stdout.write(yaml.safe_dump(record, sort_keys=False, allow_unicode=True))


def _content(file: Path) -> bytes:
    """A file, standard input, or a directory as ``grep -r -H ''`` prints it. Raises BadInput."""
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(_MAX_FILE + 1)
        elif file.is_dir():
            data = _tree(file)
        else:
            with file.open("rb") as opened:
                data = opened.read(_MAX_FILE + 1)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from None
    if len(data) > _MAX_FILE:
        raise BadInput(f"{file}: longer than {_MAX_FILE} bytes")
    return data


def _tree(directory: Path) -> bytes:
    lines = bytearray()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and len(lines) <= _MAX_FILE:
            with path.open("rb") as opened:
                for line in opened.read(_MAX_FILE + 1).splitlines():
                    lines += str(path).encode() + b":" + line + b"\n"
    return bytes(lines)
