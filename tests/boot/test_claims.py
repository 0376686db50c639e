"""Law 4: a wipe is pulled by exactly the machine that it is for, once."""

import asyncio
from datetime import timedelta
from http import HTTPStatus

import pytest

from boot.answers import Denied
from boot.claims import note_refusal, take
from boot.claims import report as keep_report
from tests.boot.conftest import CLAIM, DATA, SYSTEM, Site, machine, node, report
from tests.fixtures.runs import WIPING
from workflows.model.errors import Unreachable
from workflows.model.grant import GrantState
from workflows.model.journal import Entry, Kind
from workflows.model.run import Run, StepRef

pytestmark = pytest.mark.fast


async def test_the_machine_of_the_grant_takes_it_with_the_one_disk_that_matches(site: Site) -> None:
    await site.open_grant()
    await take(site.store, CLAIM, machine())
    grant = await site.grant()
    assert (grant.state, grant.disk, grant.machine) == (GrantState.TAKEN, SYSTEM, machine())


async def test_of_many_claimants_at_once_one_wins(site: Site) -> None:
    await site.open_grant()
    claimants = [machine(nonce=f"boot-{n}", address=f"10.0.0.{n}") for n in range(20)]
    results = await asyncio.gather(*(take(site.store, CLAIM, c) for c in claimants), return_exceptions=True)
    refused = [r for r in results if isinstance(r, Denied)]
    assert len(refused) == 19
    assert {r.event for r in refused} == {"second-claimant"}


@pytest.mark.parametrize("change", [{"nonce": "boot-2"}, {"address": "10.0.0.66"}])
async def test_a_second_claimant_is_refused_and_the_grant_stays_with_the_first(
    site: Site, change: dict[str, object]
) -> None:
    await site.open_grant()
    await take(site.store, CLAIM, machine())
    with pytest.raises(Denied) as refused:
        await take(site.store, CLAIM, machine(**change))
    assert (refused.value.event, refused.value.status) == ("second-claimant", HTTPStatus.CONFLICT)
    assert (await site.grant()).machine == machine()


async def test_a_lost_answer_costs_nothing_the_same_boot_asks_again_and_goes(site: Site) -> None:
    await site.open_grant()
    site.store.lose_answers = 1
    with pytest.raises(Unreachable):
        await take(site.store, CLAIM, machine())
    assert (await take(site.store, CLAIM, machine())).disk == SYSTEM


@pytest.mark.parametrize(
    "change", [{"serial": "SER2"}, {"uuid": "11111111-2222-3333-4444-555555555555"}, {"macs": ("52:54:00:00:00:77",)}]
)
async def test_another_machine_never_takes_it(site: Site, change: dict[str, object]) -> None:
    await site.open_grant()
    with pytest.raises(Denied, match="nothing was written") as refused:
        await take(site.store, CLAIM, machine(**change))
    assert refused.value.event == "wrong-machine"
    assert (await site.grant()).state is GrantState.OPEN


@pytest.mark.parametrize(
    "disks",
    [
        (),
        (DATA,),
        (SYSTEM, SYSTEM.model_copy(update={"id": "wwn.other"})),
        (SYSTEM, DATA.model_copy(update={"id": SYSTEM.id})),
    ],
    ids=["no disk at all", "none matches", "two match", "two with one id"],
)
async def test_no_disk_or_two_disks_that_match_leave_the_grant_open_and_list_what_is_there(
    site: Site, disks: tuple[object, ...]
) -> None:
    await site.open_grant()
    with pytest.raises(Denied) as refused:
        await take(site.store, CLAIM, machine(disks=disks))
    assert (refused.value.event, refused.value.status) == ("no-disk", HTTPStatus.CONFLICT)
    assert all(disk.id in str(refused.value) for disk in machine(disks=disks).disks)
    assert (await site.grant()).state is GrantState.OPEN


async def test_a_grant_past_its_deadline_is_not_given(site: Site) -> None:
    await site.open_grant(deadline=await site.store.now() - timedelta(seconds=1))
    with pytest.raises(Denied, match="deadline"):
        await take(site.store, CLAIM, machine())


@pytest.mark.parametrize("state", [GrantState.REPORTED, GrantState.CLOSED])
async def test_a_grant_that_ended_is_never_given_again(site: Site, state: GrantState) -> None:
    await site.open_grant(state=state, machine=machine())
    (answer,) = await asyncio.gather(take(site.store, CLAIM, machine()), return_exceptions=True)
    assert isinstance(answer, Denied), answer
    assert answer.status == HTTPStatus.GONE


async def test_after_the_report_another_boot_is_a_second_claimant(site: Site) -> None:
    """The machine that we meant may be the one that comes second, after a neighbour took its grant and reported."""
    await site.open_grant(state=GrantState.REPORTED, machine=machine())
    with pytest.raises(Denied) as refused:
        await take(site.store, CLAIM, machine(nonce="boot-2", address="10.0.0.66"))
    assert refused.value.event == "second-claimant"


@pytest.mark.parametrize("state", [GrantState.OPEN, GrantState.TAKEN, GrantState.REPORTED])
@pytest.mark.parametrize("event", ["no-disk", "wrong-machine", "second-claimant"])
async def test_a_refusal_that_a_person_must_hear_of_stands_in_the_grant_and_changes_no_state(
    site: Site, state: GrantState, event: str
) -> None:
    await site.open_grant(state=state)
    for _ in range(2):
        await note_refusal(site.store, CLAIM, "10.0.0.66", Denied(HTTPStatus.CONFLICT, event, "why"))
    grant = await site.grant()
    assert (grant.state, grant.refusals) == (state, 2)
    assert grant.refused is not None
    assert (grant.refused.event, grant.refused.message, grant.refused.address) == (event, "why", "10.0.0.66")


@pytest.mark.parametrize(("event", "state"), [("late", GrantState.OPEN), ("no-disk", GrantState.CLOSED)])
async def test_other_refusals_change_nothing(site: Site, event: str, state: GrantState) -> None:
    await site.open_grant(state=state)
    before = await site.store.get(CLAIM.grant_key)
    await note_refusal(site.store, CLAIM, "10.0.0.66", Denied(HTTPStatus.GONE, event, "why"))
    assert await site.store.get(CLAIM.grant_key) == before


async def test_a_report_ends_the_grant_and_its_repetition_changes_nothing(site: Site) -> None:
    await site.open_grant()
    await take(site.store, CLAIM, machine())
    await keep_report(site.store, CLAIM, "boot-1", report())
    before = await site.store.get(CLAIM.grant_key)
    await keep_report(site.store, CLAIM, "boot-1", report(ok=False, message="a late copy"))
    assert await site.store.get(CLAIM.grant_key) == before
    assert (await site.grant()).report == report()


async def test_another_boot_can_not_report(site: Site) -> None:
    await site.open_grant()
    await take(site.store, CLAIM, machine())
    with pytest.raises(Denied):
        await keep_report(site.store, CLAIM, "boot-2", report())
    assert (await site.grant()).state is GrantState.TAKEN


async def test_nobody_reports_on_a_grant_that_was_never_taken(site: Site) -> None:
    await site.open_grant()
    with pytest.raises(Denied):
        await keep_report(site.store, CLAIM, "boot-1", report())
    assert (await site.grant()).state is GrantState.OPEN


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([Entry(kind=Kind.PARKED, token=1, worker="w1", reason="see")], "is parked"),
        ([Entry(kind=kind, token=1, worker="w1", reason="see") for kind in (Kind.PARKED, Kind.HELD)], "is held"),
        ([Entry(kind=Kind.CANCELLED, token=1, worker="w1", reason="no")], "is ending"),
        ([Entry(kind=Kind.INTENT, token=1, worker="w1"), Entry(kind=Kind.DONE, token=1, worker="w1")] * 3, "is ending"),
    ],
    ids=["parked", "parked, then held", "cancelled", "its steps are over"],
)
async def test_a_grant_whose_run_waits_for_no_machine_is_nobodys(site: Site, entries: list[Entry], says: str) -> None:
    await site.open_grant()
    for number, entry in enumerate(entries):
        await site.put(f"journal.lab.n1.g1.1.{number}", entry.encode())
    with pytest.raises(Denied, match=says):
        await take(site.store, CLAIM, machine())
    assert (await site.grant()).state is GrantState.OPEN


async def test_a_grant_of_a_run_that_has_not_come_to_it_yet_is_nobodys(site: Site) -> None:
    await site.open_grant()
    steps = (StepRef(name="power_off", version=1), *WIPING)
    run = Run(node="lab.n1", cause="g1", workflow="provision", steps=steps, desired=node())
    await site.put("run.lab.n1.g1", run.encode())
    with pytest.raises(Denied, match="waits for no machine"):
        await take(site.store, CLAIM, machine())
