"""``bringup site init``: asks, makes, says what it made and what only a person can do next."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.config import DEFAULT_CONFIG
from frontends.cli.output import console, print_json, table
from workflows.model.errors import BadInput

Directory = Annotated[Path, typer.Argument(help="the site's directory")]
AnswersFile = Annotated[Path | None, typer.Option("--answers", help="a YAML file of answers, instead of questions")]
Set = Annotated[list[str] | None, typer.Option("--set", help="one answer, such as site=rno1; as often as needed")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]


def add_site(cli: typer.Typer) -> None:
    """Add the command."""
    site = typer.Typer(help="A site before its first start.", no_args_is_help=True)
    cli.add_typer(site, name="site")

    # Typer makes a group of a sub-application only where it has a callback or two commands.
    @site.callback()
    def _site() -> None: ...

    @site.command("init")
    def init(
        directory: Directory = DEFAULT_CONFIG.parent,
        answers: AnswersFile = None,
        settings: Set = None,
        as_json: AsJson = False,
    ) -> None:
        """Write configuration, secrets, CA, NATS logins and permissions, dnsmasq and systemd files; as often as you like.

        Asks a few questions the first time. What is yours (site.yaml, secrets, profiles) is never written twice.
        """
        _init(directory, answers, settings or [], as_json)


def _init(directory: Path, file: Path | None, settings: list[str], as_json: bool) -> None:
    from app.site.answers import complete, load_answers
    from app.site.make import ANSWERS, make_site, today
    from app.site.next import next_steps

    kept = directory / ANSWERS
    known: dict[str, object] = load_answers(kept) if kept.exists() else {}
    known |= load_answers(file) if file is not None else {}
    known |= dict(_setting(text) for text in settings)
    done = kept.exists() or file is not None or not (sys.stdin.isatty() and sys.stdout.isatty())
    answers = complete(known, None if done else _ask)
    made = make_site(directory, answers, today())
    left = next_steps(directory, answers)
    if as_json:
        print_json({"files": [{"path": str(m.path), "what": m.what} for m in made], "next": left})
        return
    console().print(table("", ("file", ""), [[str(m.path), m.what] for m in made]))
    for number, sentence in enumerate(left, 1):
        typer.echo(f"{number}. {sentence}")


def _ask(question: str, default: str | None) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default)))


def _setting(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator:
        raise BadInput(f"--set {text!r}: write it as name=value")
    return name.strip(), value.strip()
