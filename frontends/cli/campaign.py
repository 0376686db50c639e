"""``bringup campaign``: the campaigns of the site, or one with its whole list."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from frontends.campaigns import campaign_as_json, campaigns, one_campaign
from frontends.cli.output import console, elapsed, print_json, safe, table
from frontends.cli.verbs import AsJson
from frontends.site import OpenSite
from workflows.model.campaign import Campaign, CampaignState, MemberState

_NEXT = {
    CampaignState.PROPOSED: "approve, deny or cancel it",
    CampaignState.RUNNING: "it goes on by itself; hold or cancel stops it",
    CampaignState.PAUSED: "retry, unhold or cancel it",
    CampaignState.STOPPING: "it ends when the runs under way have ended",
}


def add_campaign(cli: typer.Typer, open_site: OpenSite) -> None:
    """Add the command."""

    @cli.command()
    def campaign(
        campaign: Annotated[str | None, typer.Argument(help="one campaign, by its id; all where none is named")] = None,
        as_json: AsJson = False,
    ) -> None:
        """One command or bulk edit over many nodes: how far it is, and what it waits for."""
        asyncio.run(_campaign(open_site, campaign, as_json))


async def _campaign(open_site: OpenSite, campaign: str | None, as_json: bool) -> None:
    async with open_site() as site:
        where = site.store, site.settings.site
        found = await campaigns(*where) if campaign is None else [await one_campaign(*where, campaign)]
        now = site.clock.now()
    if as_json:
        print_json([campaign_as_json(c) for c in found])
        return
    out = console()
    columns = ("campaign", "state", "what", "of", "wave", "in service", "asked by", "approved by", "since", "why")
    rows = [[*_row(c), elapsed(now - c.proposed_at), c.text or c.reason] for c in found]
    out.print(table("", columns, rows))
    if campaign is not None:
        stops = f"it stops at any failure of its canary, then at {found[0].failures}"
        out.print(safe(f"{len(found[0].members)} nodes; {stops}"))
        out.print(_members(found[0]))
        if found[0].state in _NEXT:
            out.print(safe(f"next: {_NEXT[found[0].state]} (bringup … campaign:{found[0].id})"))


def _row(campaign: Campaign) -> list[str]:
    return [
        campaign.id,
        campaign.state.value,
        campaign.workflow,
        campaign.select,
        f"{campaign.wave + 1}/{campaign.waves}",
        f"{campaign.count(MemberState.PASSED)}/{len(campaign.members)}",
        campaign.asked_by,
        campaign.approved_by,
    ]


def _members(campaign: Campaign) -> Table:
    """The frozen list; ``content`` is the beginning of the hash of what was seen of the node."""
    rows = [[m.label, str(m.wave + 1), m.state.value, m.content[:12], m.text] for m in campaign.members]
    return table("", ("node", "wave", "state", "content", "why"), rows)
