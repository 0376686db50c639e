"""Every verb in every standing of a node: what fits takes effect in its time, what doesn't is refused in one sentence that
names what would.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.project.tree import ROOT
from tests.workflows.fleet import NOBODY
from tests.workflows.samples import BASELINED, desired
from tests.workflows.site import Site
from tests.workflows.standings import STANDINGS
from workflows.engine.ask import unanswered
from workflows.engine.ports import Message
from workflows.engine.requests import put_ask
from workflows.engine.standing import FITS, Standing, of_node
from workflows.model.campaign import CampaignState, Member
from workflows.model.command import Ask, Verb
from workflows.model.journal import Kind, fold
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

#: What a start needs besides, for a node in each standing: the inventory's status.
_MEANT = {Standing.NEW: "staged", Standing.WELL: "active", Standing.BADLY: "staged"}
#: A verb takes effect within this at a site where nothing hinders it: the reconciler's look, and a settled end.
_SOON = timedelta(minutes=2)


async def soon(site: Site, there: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it is so within the bound, with workers looking as the reconciler lets them."""
    end = site.clock.now() + _SOON
    while site.clock.now() < end:
        await site.tend(site.worker("successor"))
        if await there():
            return True
        await site.clock.advance(timedelta(seconds=10))
    return False


async def took_effect(site: Site, standing: Standing, verb: Verb) -> bool:
    """Whether the node shows what the verb means."""
    if verb in (Verb.APPROVE, Verb.RETRY, Verb.UNHOLD) and site.world.silent:
        await site.world.report()
    view = await site.view()
    status = view.status
    match verb:
        case Verb.CANCEL if standing is Standing.ASKED:
            return view.start_ask is None and view.open_run is None and status.state is NodeState.IN_SERVICE
        case Verb.CANCEL if site.world.silent:
            return of_node(view) is Standing.ENDING and "nobody may interrupt" in status.reason
        case Verb.CANCEL:
            return status.outcome == "cancelled"
        case Verb.DENY:
            return status.outcome == "denied"
        case Verb.HOLD:
            return status.state is NodeState.HELD and "unhold" in status.next_action
        case Verb.UNHOLD | Verb.APPROVE:
            return status.state is NodeState.IN_SERVICE
        case Verb.RETRY if standing is Standing.UNRELEASED:
            return view.open_run is None and status.outcome == "cancelled"
        case Verb.RETRY:
            return status.state is NodeState.IN_SERVICE
        case _:
            return view.run is not None and (view.run.workflow, view.run.cause) == (verb.value, f"c{100 + site.sent}")


def test_every_standing_has_a_row_and_can_be_reached() -> None:
    assert set(FITS) == set(STANDINGS) == set(Standing)


@pytest.mark.parametrize("standing", Standing)
def test_the_page_has_its_row(standing: Standing) -> None:
    fits = ", ".join(f"`{verb}`" for verb in FITS[standing]) or "none"
    assert f"| {standing} | {fits} |\n" in (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("standing", Standing)
async def test_what_does_not_fit_is_refused_with_what_would_and_changes_nothing(standing: Standing) -> None:
    site = await STANDINGS[standing]()
    assert of_node(await site.view()) is standing
    before = await site.store.list(">")
    for verb in Verb:
        if verb in FITS[standing]:
            continue
        outcome = await site.command(verb)
        assert not outcome.accepted, verb
        (answer,) = outcome.nodes
        assert all(fit.value in answer.text for fit in FITS[standing]), answer.text
        assert FITS[standing] or "wait" in answer.text, answer.text
    written = [v.key for v in await site.store.list(">") if v not in before]
    assert all(key.startswith("outcome.") for key in written), written


@pytest.mark.parametrize(("standing", "verb"), [(s, v) for s, fits in FITS.items() for v in fits])
async def test_what_fits_takes_effect_in_its_time(standing: Standing, verb: Verb) -> None:
    site = await STANDINGS[standing]()
    if standing in _MEANT:
        status = "active" if verb is Verb.REIMAGE else _MEANT[standing]
        await site.want(desired(status=status, profile=BASELINED))
        if standing is Standing.WELL and verb is Verb.PROVISION:
            outcome = await site.command(verb)
            assert "ask for reimage" in outcome.nodes[0].text, "it fits; the inventory's word is what refuses it"
            return
    outcome = await site.command(verb)
    assert outcome.accepted, outcome.nodes
    assert await soon(site, lambda: took_effect(site, standing, verb)), (await site.view()).status


@pytest.mark.parametrize("standing", [s for s, fits in FITS.items() if Verb.HOLD in fits])
async def test_unheld_a_run_stands_exactly_where_it_stood_when_it_was_held(standing: Standing) -> None:
    site = await STANDINGS[standing]()
    before = await site.view()
    for verb in ("hold", "unhold", "hold", "unhold"):
        assert (await site.command(verb)).accepted, verb
        after = await site.tend()
    assert of_node(after) is standing
    same = ("step", "reason", "next_action", "digest", "due_at", "deadline")
    assert [getattr(after.status, f) for f in same] == [getattr(before.status, f) for f in same]


async def test_a_run_that_waits_for_approval_can_be_approved_after_it_was_held() -> None:
    site = await STANDINGS[Standing.APPROVAL]()
    await site.command("hold")
    await site.tend()
    assert "unhold" in (await site.command("approve", who="bob")).nodes[0].text
    await site.command("unhold")
    await site.tend()
    assert (await site.command("approve", who="bob")).accepted
    assert (await site.tend()).status.state is NodeState.IN_SERVICE


async def test_a_cancel_on_the_way_to_the_end_does_not_change_how_a_run_ended() -> None:
    site = await STANDINGS[Standing.UNRELEASED]()
    before = await site.view()
    await site.command("cancel")
    after = await site.tend()
    assert (after.status, after.state.outcome) == (before.status, before.state.outcome)


async def test_a_campaign_that_stops_says_nothing_to_a_run_that_is_over_already() -> None:
    """It would end again and again: each answer asks its person anew."""
    site = await STANDINGS[Standing.UNRELEASED]()
    view = await site.view()
    assert view.run is not None
    member = Member(node=view.run.node, label="gpu-001", wave=0, cause=view.run.cause, content="0" * 64)
    stopping = NOBODY.model_copy(update={"state": CampaignState.STOPPING, "members": (member,)})
    now = site.clock.now()
    assert unanswered(None, view.run, view.state, site.settings, now, stopping) is None
    early = fold(view.run, [])
    answer = unanswered(None, view.run, early, site.settings, now, stopping)
    assert answer is not None
    assert answer.kind is Kind.CANCELLED


async def test_a_retry_is_of_the_park_that_its_sender_saw() -> None:
    """Sent before the run parked, or for the park before this one, it says nothing about what is wrong now."""
    site = await STANDINGS[Standing.FAULT]()
    early = Message(
        "command.ann.retry.lab", b'{"select": "gpu-001"}', 300, site.clock.now() - timedelta(milliseconds=1)
    )
    outcome = await site.take(early)
    assert "look, then retry" in outcome.nodes[0].text
    assert (await site.command("retry")).accepted
    await site.clock.advance(timedelta(seconds=1))
    taken_up_late = await site.view()
    site.world.serial = "ANOTHER-ONE"
    view = await site.tend()
    assert view.status.state is NodeState.PARKED
    assert "ANOTHER-ONE" in view.status.reason
    assert view.request is not None
    assert taken_up_late.request is not None
    late = taken_up_late.request.model_copy(
        update={
            "resume": taken_up_late.request.resume and taken_up_late.request.resume.model_copy(update={"sequence": 301})
        }
    )
    seq = (await site.store.get("request.lab.nb-1")).seq
    await site.store.put("request.lab.nb-1", late.encode(), expect=seq)
    site.world.serial = "SN1"
    assert (await site.tend()).status.state is NodeState.PARKED, "a second copy of the retry met a park that nobody saw"


async def test_a_retry_of_a_parked_run_that_somebody_ended_meanwhile_starts_no_other() -> None:
    """Its consumer looked while the run was parked, and wrote when it had ended."""
    site = await STANDINGS[Standing.FAULT]()
    await site.command("cancel", who="bob")
    assert (await site.until_settled()).status.outcome == "cancelled"
    late = Ask(sequence=200, at=site.clock.now(), verb=Verb.RETRY, who="ann", cause="g1")
    assert await put_ask(site.store, site.wish.node, late)
    for _ in range(3):
        view = await site.tend()
        assert (view.run.cause if view.run else None, view.status.outcome, site.world.wipes) == ("g1", "cancelled", 0)
        await site.clock.advance(timedelta(minutes=1))


async def test_a_cancelled_request_cancels_no_later_one() -> None:
    site = await STANDINGS[Standing.ASKED]()
    assert (await site.command("cancel")).accepted
    await site.tend()
    assert (await site.command("reimage")).accepted
    await site.tend()
    assert (await site.command("approve", who="bob")).accepted
    view = await site.tend()
    assert (view.status.state, view.run.cause if view.run else None) == (NodeState.IN_SERVICE, "c103")


async def test_a_cancel_that_comes_when_a_worker_has_just_begun_the_run_ends_that_run() -> None:
    site = await STANDINGS[Standing.ASKED]()
    assert (await site.command("cancel")).accepted
    request = (await site.view()).request
    assert request is not None
    seq = (await site.store.get("request.lab.nb-1")).seq
    await site.store.put("request.lab.nb-1", request.model_copy(update={"cancel": None}).encode(), expect=seq)
    await site.tend()
    assert of_node(await site.view()) is Standing.APPROVAL
    seq = (await site.store.get("request.lab.nb-1")).seq
    await site.store.put("request.lab.nb-1", request.encode(), expect=seq)
    view = await site.until_settled()
    assert (view.status.outcome, site.world.wipes) == ("cancelled", 1)
