"""``bringup bmc trust``: a person looks at the certificate that a BMC shows, and pins it.

Nothing is trusted at first use by itself: the fingerprint is approved at the keyboard, or named by who read it elsewhere.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from frontends.cli.output import console, table
from workflows.model.errors import BadInput, Refused

DEFAULT_PINS = Path("/etc/bringup/bmc-pins")

Pinned = Annotated[Path, typer.Option("--pins", help="directory of approved certificates, see bmc trust")]


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """What a BMC shows before anything is sent; texts as they stand in the certificate."""

    fingerprint: str
    subject: str
    issuer: str
    not_before: str
    not_after: str


@dataclass(frozen=True, slots=True)
class Trust:
    """How a certificate is looked at, and pinned: address and directory; fingerprint, and whether it may replace one."""

    look: Callable[[str], Coroutine[object, object, ShownCertificate]]
    pin: Callable[[str, Path, str, bool], None]


def add_trust(bmc: typer.Typer, trust: Trust) -> None:
    """Add the command."""

    @bmc.command("trust")
    def command(
        address: Annotated[str, typer.Argument(help="host or host:port of the BMC")],
        fingerprint: Annotated[
            str | None,
            typer.Option("--fingerprint", help="the SHA-256 that its own page or console says; no question then"),
        ] = None,
        replace: Annotated[bool, typer.Option("--replace", help="in place of the one that is pinned")] = False,
        pins: Pinned = DEFAULT_PINS,
    ) -> None:
        """Show the certificate that a BMC shows, and pin it once you say that it is the BMC's own. Sends nothing."""
        shown = asyncio.run(trust.look(address))
        rows = [
            ["SHA-256", shown.fingerprint],
            ["subject", shown.subject],
            ["issuer", shown.issuer],
            ["valid", f"{shown.not_before} to {shown.not_after}"],
        ]
        console().print(table("", ("", ""), rows))
        if fingerprint is not None:
            if fingerprint.replace(":", "").lower() != shown.fingerprint:
                raise Refused(f"BMC {address} shows another certificate than {fingerprint}: nothing was pinned")
        elif not sys.stdin.isatty():
            raise BadInput(
                "nobody can be asked here: name the SHA-256 that the BMC's own page or console says by --fingerprint"
            )
        else:
            typer.confirm("Does the BMC's own page or console say the same SHA-256?", abort=True)
        trust.pin(address, pins, shown.fingerprint, replace)
        console().print(f"pinned in {pins}")
