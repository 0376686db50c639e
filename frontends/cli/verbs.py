"""The verbs of the one table as commands: provision, reimage, adopt, approve, deny, cancel, hold, unhold, retry."""

import asyncio
from typing import Annotated

import typer

from frontends.campaigns import one_campaign
from frontends.cli.exits import OK, REFUSED
from frontends.cli.output import print_json, print_outcome
from frontends.read_model import fleet
from frontends.send import PATIENCE, as_seen, send
from frontends.site import ConnectedSite, OpenSite
from workflows.model.campaign import campaign_of
from workflows.model.command import VERBS, CommandBody, CommandOutcome, Verb

Selector = Annotated[
    str, typer.Argument(help="gpu-001, gpu-[001-032], rack:R12, tag:…, sku:…; several with commas; campaign:<id>")
]
Reason = Annotated[str, typer.Option("--reason", "-m", help="why; stands in the run's journal")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
Release = Annotated[str | None, typer.Option("--release", help="refuse unless the inventory names this release")]
Force = Annotated[bool, typer.Option("--force", help="don't wait for running jobs; a second person has to approve it")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="don't ask before a verb that may destroy data")]


def add_verbs(cli: typer.Typer, open_site: OpenSite) -> None:
    """Add one command for each verb."""
    for verb in Verb:
        _add(cli, open_site, verb)


def _add(cli: typer.Typer, open_site: OpenSite, verb: Verb) -> None:
    rule = VERBS[verb]

    def command(
        selector: Selector,
        reason: Reason = "",
        release: Release = None,
        force: Force = False,
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> None:
        if rule.starts and rule.dangerous and not yes and not as_json:
            typer.confirm(f"{verb.value} {selector}: {rule.about}. Go on?", abort=True)
        outcome = asyncio.run(
            _send(open_site, verb, CommandBody(select=selector, reason=reason, release=release, force=force))
        )
        if as_json:
            print_json(outcome.model_dump(mode="json"))
        else:
            print_outcome(outcome)
        raise typer.Exit(OK if outcome.accepted else REFUSED)

    command.__doc__ = f"{rule.about[0].upper()}{rule.about[1:]}."
    cli.command(verb.value)(command)


async def _send(open_site: OpenSite, verb: Verb, body: CommandBody) -> CommandOutcome:
    async with open_site() as site:
        if VERBS[verb].dangerous:
            body = await _as_seen(site, verb, body)
        return await send(site, verb, body, PATIENCE)


async def _as_seen(site: ConnectedSite, verb: Verb, body: CommandBody) -> CommandBody:
    """Name what the sender saw, where one node or a campaign was named: its newest run, the digest to be approved."""
    if (campaign := campaign_of(body.select)) is not None:
        return as_seen(body, verb, await one_campaign(site.store, site.settings.site, campaign))
    views = await fleet(site.store, site.settings.site, body.select)
    return as_seen(body, verb, views[0].status) if len(views) == 1 else body
