"""``bringup bmc``: one BMC asked directly, without NATS, inventory or configuration; the first thing to try on a machine.

What these commands change is read back before they say that it is done. They hold no lease: on a node that bringup manages
they are for a person who has put it on hold.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from frontends.cli.bmc_tables import report_tables
from frontends.cli.bmc_trust import DEFAULT_PINS, Pinned, Trust, add_trust
from frontends.cli.output import console, print_json, safe, table
from workflows.engine.ports import BmcFacts, BootTarget, OpenedBmc, Power
from workflows.model.errors import BadInput, NeedsHuman, Unreachable
from workflows.model.hardware import LogLine
from workflows.model.profile import BmcProtocol

PATIENCE = 180.0
"""Seconds that a command takes at most; a survey of 300 resources of a slow BMC takes a minute."""

_LOOK_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Access:
    """How a BMC is reached: what the command line says. ``timeout``: seconds of one request.

    ``pins``: the directory of approved certificates.
    """

    address: str
    protocol: BmcProtocol
    credentials: Path | None
    ca: Path | None
    fingerprint: str | None
    insecure: bool
    timeout: float
    pins: Path


type OpenBmc = Callable[[Access], AbstractAsyncContextManager[OpenedBmc]]


class PowerWord(StrEnum):
    """What may be asked of power."""

    STATUS = "status"
    ON = "on"
    OFF = "off"


class BootWord(StrEnum):
    """What may be asked of the boot override."""

    SHOW = "show"
    NETWORK_ONCE = "network-once"
    DISK = "disk"


Address = Annotated[str, typer.Argument(help="host, host:port or URL of the BMC; http:// only with --insecure")]
Spoken = Annotated[BmcProtocol, typer.Option("--protocol", help="how it is spoken to")]
Credentials = Annotated[
    Path | None,
    typer.Option("--credentials", help="YAML file of mode 0600: username, password; instead of the environment"),
]
Ca = Annotated[Path | None, typer.Option("--ca", help="PEM file with the authorities that vouch for the BMC")]
Fingerprint = Annotated[str | None, typer.Option("--fingerprint", help="SHA-256 of the BMC's certificate, in hex")]
Insecure = Annotated[bool, typer.Option("--insecure", help="permit plain HTTP and a certificate nobody vouches for")]
Timeout = Annotated[float, typer.Option("--timeout", help="seconds that one request may take", min=0.1, max=60)]
Wait = Annotated[float, typer.Option("--wait", help="seconds to wait until the BMC shows it", min=0, max=170)]
Lines = Annotated[int, typer.Option("--lines", "-n", help="newest lines to show", min=1, max=5000)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="don't ask before the power is taken away")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]

_HELP = "One BMC asked directly: no NATS, NetBox or configuration. Login: BRINGUP_BMC_USERNAME, BRINGUP_BMC_PASSWORD."


def add_bmc(cli: typer.Typer, open_bmc: OpenBmc, trust: Trust) -> None:
    """Add the commands."""
    bmc = typer.Typer(help=_HELP, no_args_is_help=True)
    cli.add_typer(bmc, name="bmc")
    add_trust(bmc, trust)

    def run[T](access: Access, act: Callable[[OpenedBmc], Awaitable[T]]) -> T:
        return asyncio.run(_with(open_bmc, access, act))

    @bmc.command()
    def show(
        address: Address, protocol: Spoken = BmcProtocol.REDFISH, credentials: Credentials = None, ca: Ca = None,
        fingerprint: Fingerprint = None, insecure: Insecure = False, pins: Pinned = DEFAULT_PINS,
        timeout: Timeout = 10, as_json: AsJson = False,
    ) -> None:  # fmt: skip
        """Everything the BMC tells of its machine: identity, power, boot, GPUs, NICs, disks, firmware, quirks."""
        access = Access(address, protocol, credentials, ca, fingerprint, insecure, timeout, pins)
        report = run(access, lambda b: b.survey())
        if as_json:
            print_json(report.model_dump(mode="json"))
            return
        out = console()
        for each in report_tables(report):
            out.print(each, end="\n\n")

    @bmc.command()
    def power(
        address: Address, what: Annotated[PowerWord, typer.Argument()] = PowerWord.STATUS,
        protocol: Spoken = BmcProtocol.REDFISH, credentials: Credentials = None, ca: Ca = None,
        fingerprint: Fingerprint = None, insecure: Insecure = False, pins: Pinned = DEFAULT_PINS,
        timeout: Timeout = 10, wait: Wait = 60,
        yes: Yes = False, as_json: AsJson = False,
    ) -> None:  # fmt: skip
        """Power on or off (hard), read back; or how it stands."""
        access = Access(address, protocol, credentials, ca, fingerprint, insecure, timeout, pins)
        facts = run(access, lambda b: _power(b, what, wait, yes))
        _say(address, facts, facts.power.value, as_json)

    @bmc.command()
    def boot(
        address: Address, what: Annotated[BootWord, typer.Argument()] = BootWord.SHOW,
        protocol: Spoken = BmcProtocol.REDFISH, credentials: Credentials = None, ca: Ca = None,
        fingerprint: Fingerprint = None, insecure: Insecure = False, pins: Pinned = DEFAULT_PINS,
        timeout: Timeout = 10, wait: Wait = 10,
        as_json: AsJson = False,
    ) -> None:  # fmt: skip
        """What the next boot uses: the network once, or the disk; set and read back, or as it stands."""
        access = Access(address, protocol, credentials, ca, fingerprint, insecure, timeout, pins)
        facts = run(access, lambda b: _boot(b, what, wait))
        _say(address, facts, facts.boot.value if facts.boot is not None else "another override, see bmc show", as_json)

    @bmc.command()
    def sel(
        address: Address, protocol: Spoken = BmcProtocol.REDFISH, credentials: Credentials = None, ca: Ca = None,
        fingerprint: Fingerprint = None, insecure: Insecure = False, pins: Pinned = DEFAULT_PINS,
        timeout: Timeout = 10, lines: Lines = 50,
        as_json: AsJson = False,
    ) -> None:  # fmt: skip
        """The newest lines of the machine's event log."""
        access = Access(address, protocol, credentials, ca, fingerprint, insecure, timeout, pins)
        _print_log(run(access, lambda b: b.events(lines)), as_json)


async def _with[T](open_bmc: OpenBmc, access: Access, act: Callable[[OpenedBmc], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(PATIENCE), open_bmc(access) as opened:
            return await act(opened)
    except TimeoutError:
        raise Unreachable(
            f"BMC {access.address} was not done after {PATIENCE:g} s: try again with a shorter --timeout"
        ) from None


async def _power(bmc: OpenedBmc, what: PowerWord, wait: float, yes: bool) -> BmcFacts:
    facts = await bmc.facts()
    if what is PowerWord.STATUS or facts.power is Power(what.value):
        return facts
    if what is PowerWord.OFF and not yes:
        _ask(
            f"take the power from {facts.vendor} {facts.model}, serial {facts.serial or 'unknown'}, whatever runs there?"
        )
    await bmc.open()
    wanted = Power(what.value)
    await bmc.power(wanted)
    return await _shown(bmc, lambda f: f.power is wanted, f"power {wanted}", wait)


async def _boot(bmc: OpenedBmc, what: BootWord, wait: float) -> BmcFacts:
    if what is BootWord.SHOW:
        return await bmc.facts()
    await bmc.open()
    target = BootTarget(what.value)
    await bmc.boot(target)
    return await _shown(bmc, lambda f: f.boot is target, f"boot {target}", wait)


async def _shown(bmc: OpenedBmc, done: Callable[[BmcFacts], bool], act: str, wait: float) -> BmcFacts:
    """Read back until it shows: an answer of 'OK' proves nothing. Raises NeedsHuman where it never does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while not done(facts := await bmc.facts()):
        if loop.time() >= deadline:
            shown = f"power {facts.power}, boot {facts.boot or 'another override'}"
            raise NeedsHuman(
                f"the BMC accepted {act} and after {wait:g} s still shows {shown}: wait longer (--wait), look at bmc sel, "
                "or restart the BMC"
            )
        await asyncio.sleep(_LOOK_AGAIN)
    return facts


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise BadInput(f"nobody can be asked here: {question} Add --yes if that is meant")
    typer.confirm(question[0].upper() + question[1:], abort=True)


def _say(address: str, facts: BmcFacts, said: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "address": address,
                "power": facts.power.value,
                "boot": facts.boot.value if facts.boot is not None else None,
                "serial": facts.serial,
                "uuid": facts.uuid,
                "system": facts.system,
            }
        )
    else:
        console().print(safe(said))


def _print_log(lines: tuple[LogLine, ...], as_json: bool) -> None:
    if as_json:
        print_json([line.model_dump(mode="json") for line in lines])
        return
    rows = [[line.time, line.severity, line.text] for line in lines]
    console().print(table(lines[0].log if lines else "the event log is empty", ("time", "severity", "message"), rows))
