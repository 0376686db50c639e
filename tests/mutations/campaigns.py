"""Protections of what touches many nodes at once: one frozen list, one approval, canary, waves, failure limit."""

from tests.mutations.mutation import Mutation

_TEST = "tests/workflows/test_campaign.py::"
_RULES = "tests/workflows/test_campaign_rules.py::"

CAMPAIGNS = (
    Mutation(
        "many nodes are a campaign",
        ("17", "L9"),
        "workflows/engine/commands.py",
        "len(targets) >= self.settings.campaign_from",
        "False",
        f"{_TEST}test_many_nodes_are_one_approval_and_end_in_service_wave_by_wave",
    ),
    Mutation(
        "a canary that fails stops its campaign",
        ("17", "L9"),
        "workflows/engine/campaign.py",
        "    limit = 1 if campaign.wave == 0 else campaign.failures\n",
        "    limit = campaign.failures\n",
        f"{_TEST}test_a_canary_that_fails_stops_it_at_one",
    ),
    Mutation(
        "the failure limit stops a campaign",
        ("17", "L9"),
        "workflows/engine/campaign.py",
        "    if len(failed) - campaign.excused >= limit:\n",
        "    if campaign.wave == 0 and len(failed) - campaign.excused >= limit:\n",
        f"{_TEST}test_a_wave_that_reaches_the_failure_limit_stops_what_is_not_touched_yet",
    ),
    Mutation(
        "a node that changed since it was seen is left out",
        ("17",),
        "workflows/engine/campaign.py",
        "    if would.content() != member.content:\n",
        "    if False:\n",
        f"{_TEST}test_a_node_that_changed_since_it_was_seen_is_left_as_it_is",
    ),
    Mutation(
        "a campaign's approval is of the list that was seen",
        ("17",),
        "workflows/engine/campaign.py",
        "    if command.body.digest not in (None, campaign.digest()):\n",
        "    if False:\n",
        f"{_TEST}test_an_approval_is_of_the_list_that_was_seen",
    ),
    Mutation(
        "a campaign's requester doesn't approve it",
        ("17",),
        "workflows/engine/campaign.py",
        "    if same_pair_of_eyes(campaign, command.who, settings):\n",
        "    if False:\n",
        f"{_TEST}test_the_requester_may_not_approve_his_own_campaign_under_four_eyes",
    ),
    Mutation(
        "a campaign's approval expires",
        ("17",),
        "workflows/engine/campaign.py",
        "    if not campaign.holds(now, settings.approval_life):\n",
        "    if False:\n",
        f"{_RULES}test_an_approval_that_has_expired_lets_nobody_go_any_more",
    ),
    Mutation(
        "a campaign that is held lets nobody go",
        ("17", "L9"),
        "workflows/engine/campaign.py",
        "    if campaign.state is not CampaignState.RUNNING:\n        return []\n",
        "",
        f"{_RULES}test_only_a_campaign_that_runs_lets_anybody_go",
    ),
)
