"""``bringup burn-in read`` and ``judge``: outputs of a node's tools without NATS, an inventory or a configuration.

What is read is printed whole, or the output is refused with the reason and exit code 1: there is no half of an answer. A
folder that is judged ends with exit code 0 where it is accepted and with 5 where it is not.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from typer.core import TyperCommand

from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import console, print_json, safe, table
from workflows.model.errors import BadInput
from workflows.model.record import Json

type Kinds = Callable[[], Mapping[str, str]]
"""Every kind of output by name, and the command that prints it."""

type ReadOutput = Callable[[str, bytes], Json]
"""The record of an output of a kind. Raises BadInput with the reason where it is refused."""

type JudgeFolder = Callable[[str, Path, str | None], dict[str, Json]]
"""The report of a folder against a profile, at a level or the profile's own. Raises BadInput."""

_MAX_FILE = 64 << 20

KindName = Annotated[str, typer.Argument(metavar="KIND", help="what the file holds; the list is below")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="the output; - is standard input")]
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="a directory of outputs")]
ProfileName = Annotated[str, typer.Option("--profile", help="a sku's YAML file, or a GPU model: MODEL or MODEL:COUNT")]
Level = Annotated[str | None, typer.Option("--level", help="what had to run; the profile's own where none is named")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def add_burn_in(cli: typer.Typer, kinds: Kinds, read_output: ReadOutput, judge_folder: JudgeFolder) -> typer.Typer:
    """Add the commands; the group is given back for those that need a site."""
    burn_in = typer.Typer(help="Outputs of a node's tools, read and judged; a site's own floors.", no_args_is_help=True)
    cli.add_typer(burn_in, name="burn-in")

    class ListsKinds(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            """The readers are loaded here, not whenever the command line is built."""
            super().format_help(ctx, formatter)
            console().print(table("kinds", ("KIND", "what prints it"), [list(k) for k in kinds().items()]))

    @burn_in.command(cls=ListsKinds)
    def read(kind: KindName, file: File, as_json: AsJson = False) -> None:
        """One output as a typed record, or refused with the reason (exit code 1)."""
        # An unknown kind is told before a file that isn't there: it is what the person has to mend first.
        record = read_output(kind, _content(file) if kind in kinds() else b"")
        if as_json:
            print_json(record)
        else:
            sys.stdout.write(yaml.safe_dump(record, sort_keys=False, allow_unicode=True))

    @burn_in.command()
    def judge(directory: Directory, profile: ProfileName, level: Level = None, as_json: AsJson = False) -> None:
        """A folder of outputs against a profile: accepted (exit code 0), or why not (5)."""
        judged = judge_folder(profile, directory, level)
        if as_json:
            print_json(judged)
        else:
            _print(judged)
        raise typer.Exit(OK if judged["accepted"] is True else NOT_WELL)

    return burn_in


def _print(judged: dict[str, Json]) -> None:
    """The verdict, what keeps the node out, and which files it was made from."""
    out = console()
    checks = [c for c in _rows(judged["checks"]) if c["verdict"] not in ("pass", "warn")]
    accepted = judged["accepted"] is True
    out.print(safe(f"{'accepted' if accepted else 'NOT ACCEPTED'}: {judged['next']}"), soft_wrap=True)
    if checks:
        columns = ("verdict", "check", "part", "measured", "expected", "why", "action")
        names = ("verdict", "id", "entity", "measured", "expected", "message", "action")
        out.print(table("", columns, [[str(c[n]) for n in names] for c in checks]))
    files = [[str(f["file"]), f"{f['kind']} {f['part']}".strip()] for f in _rows(judged["files"])]
    out.print(
        table(
            "files", ("file", "kind"), files + [[str(f["file"]), str(f["why"])] for f in _rows(judged["passed_over"])]
        )
    )


def _rows(found: Json) -> list[dict[str, Json]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


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
