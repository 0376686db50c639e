"""``explain``: what a word that bringup printed means, and what to do then. Needs no site."""

from typing import Annotated

import typer

from frontends.cli.output import console, print_json, safe, table
from frontends.cli.verbs import AsJson
from frontends.explain import everything, explain
from frontends.plan import Known


def add_explain(cli: typer.Typer, known: Known) -> None:
    """Add the command."""

    @cli.command("explain")
    def meaning(
        code: Annotated[str | None, typer.Argument(help="an exit code, state, step, verb, verdict or error")] = None,
        as_json: AsJson = False,
    ) -> None:
        """What a word that bringup printed means, and what to do then; all words where none is named."""
        found = everything(known) if code is None else explain(code, known)
        if as_json:
            print_json([{"word": m.word, "kind": m.kind, "says": m.says, "then": m.then or None} for m in found])
        elif code is None:
            console().print(table("", ("word", "kind", "meaning"), [[m.word, m.kind, m.says] for m in found]))
        else:
            for each in found:
                console().print(safe(f"{each.word} ({each.kind}): {each.says}"), soft_wrap=True)
                if each.then:
                    console().print(safe(f"  then: {each.then}"), soft_wrap=True)
