"""What a campaign does next, as a pure function of its record: no driver, no time that passes."""

from datetime import timedelta

import pytest

from tests.workflows.fleet import NOBODY
from tests.workflows.samples import NOON
from workflows.engine.campaign import due, judged
from workflows.model.campaign import Campaign, CampaignState, Member
from workflows.model.settings import SiteSettings

pytestmark = pytest.mark.fast

SETTINGS = SiteSettings(site="lab", approval_hours=24)


def campaign(state: CampaignState) -> Campaign:
    """Three members that wait for their wave, approved at noon."""
    members = tuple(
        Member(node=f"lab.nb-{n}", label=f"gpu-00{n}", wave=n - 1, cause="c7", content="0" * 64) for n in (1, 2, 3)
    )
    return NOBODY.model_copy(update={"state": state, "members": members, "approved_by": "bob", "approved_at": NOON})


def test_an_approval_that_has_expired_lets_nobody_go_any_more() -> None:
    running = campaign(CampaignState.RUNNING)
    assert judged(running, NOON + timedelta(hours=23), SETTINGS).state is CampaignState.RUNNING
    late = judged(running, NOON + timedelta(hours=24), SETTINGS)
    assert (late.state, due(late)) == (CampaignState.PAUSED, [])
    assert "approve it again" in late.text


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.RUNNING])
def test_only_a_campaign_that_runs_lets_anybody_go(state: CampaignState) -> None:
    assert [m.label for m in due(campaign(CampaignState.RUNNING))] == ["gpu-001"]
    assert due(campaign(state)) == []
