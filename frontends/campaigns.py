"""The read model of campaigns. Reads only."""

from workflows.engine.ports import Store
from workflows.model.campaign import Campaign, MemberState, campaign_key
from workflows.model.errors import BadInput
from workflows.model.keys import Site


async def campaigns(store: Store, site: Site) -> list[Campaign]:
    """All campaigns of a site, the newest first."""
    found = [Campaign.decode(v.data) for v in await store.list(f"campaign.{site}.*") if v.data is not None]
    return sorted(found, key=lambda c: c.proposed_at, reverse=True)


async def one_campaign(store: Store, site: Site, campaign: str) -> Campaign:
    """A campaign by its id.

    Raises:
        BadInput: there is none.
    """
    value = await store.get(campaign_key(site, campaign)) if campaign.isalnum() else None
    if value is None or value.data is None:
        raise BadInput(f"there is no campaign {campaign!r}: bringup campaign lists them")
    return Campaign.decode(value.data)


def campaign_as_json(campaign: Campaign) -> dict[str, object]:
    """A campaign for programs: the record, how its members stand by number, and the digest that an approval names."""
    counts = {state.value: campaign.count(state) for state in MemberState if campaign.count(state)}
    return campaign.model_dump(mode="json") | {"digest": campaign.digest(), "waves": campaign.waves, "counts": counts}
