"""``choose_workflow``: the only place that opens a run, row by row."""

import pytest

from tests.workflows.samples import NOON, desired, run
from workflows.engine.choose import Choice, choose_workflow
from workflows.model.command import Ask, Verb
from workflows.model.desired import Intent
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeStatus

pytestmark = pytest.mark.fast

AUTO = SiteSettings(site="lab", mode=Mode.AUTOMATIC)
NEW = NodeStatus(node="lab.nb-1")
ACCEPTED = NodeStatus(node="lab.nb-1", accepted_run="lab.nb-1.g1", accepted_generation=1)


def ask(verb: Verb, sequence: int = 9) -> Ask:
    return Ask(sequence=sequence, at=NOON, verb=verb, who="ann", reason="because")


def test_staged_and_never_in_service_provisions_by_mode() -> None:
    assert choose_workflow(desired(), NEW, AUTO, None, None).choice is Choice.START
    observed = choose_workflow(desired(), NEW, SiteSettings(site="lab"), None, None)
    assert (observed.choice, observed.workflow) == (Choice.WOULD, "provision")
    asks = choose_workflow(desired(), NEW, SiteSettings(site="lab", mode=Mode.SUPERVISED), None, None)
    assert (asks.choice, asks.approval) == (Choice.START, True)
    racks = SiteSettings(site="lab", rack_modes={"R12": Mode.AUTOMATIC})
    assert choose_workflow(desired(), NEW, racks, None, None).choice is Choice.START


def test_an_edit_never_starts_anything_on_an_accepted_node() -> None:
    for change in ({"generation": 8}, {"generation": 8, "status": "active"}, {"generation": 9, "rack": "R13"}):
        assert choose_workflow(desired(**change), ACCEPTED, AUTO, run(), None).choice is Choice.DRIFT
    retired = desired(status="decommissioning", intent=Intent.RETIRED, generation=5)
    assert choose_workflow(retired, ACCEPTED, AUTO, run(), None).choice is Choice.DRIFT


def test_active_nodes_of_a_first_sync_start_nothing() -> None:
    assert choose_workflow(desired(status="active"), NEW, AUTO, None, None).choice is Choice.NOTHING


def test_a_wish_has_one_run_and_only_a_newer_generation_another() -> None:
    assert choose_workflow(desired(), NEW, AUTO, run(), None).choice is Choice.NOTHING
    assert choose_workflow(desired(generation=2), NEW, AUTO, run(), None).choice is Choice.START


@pytest.mark.parametrize(
    "change", [{"problems": ("it has no serial",)}, {"protected": True}, {"intent": Intent.NOT_OURS}]
)
def test_what_forbids_an_install_forbids_it_with_a_command_too(change: dict[str, object]) -> None:
    assert choose_workflow(desired(**change), NEW, AUTO, None, None).choice is Choice.NOTHING
    for verb in (Verb.PROVISION, Verb.REIMAGE):
        assert choose_workflow(desired(**change), NEW, AUTO, None, ask(verb)).choice is Choice.REFUSED


def test_a_node_in_service_is_reimaged_only_by_command_and_with_approval() -> None:
    active = desired(status="active")
    for status in (ACCEPTED, NEW):
        chosen = choose_workflow(active, status, AUTO, None, ask(Verb.REIMAGE))
        assert (chosen.choice, chosen.approval, chosen.cause) == (Choice.START, True, "c9")
        assert choose_workflow(active, status, AUTO, None, ask(Verb.PROVISION)).choice is Choice.REFUSED


def test_a_replayed_command_older_than_the_newest_run_is_refused() -> None:
    chosen = choose_workflow(desired(), ACCEPTED, AUTO, run(cause="c12"), ask(Verb.REIMAGE, 9))
    assert chosen.choice is Choice.REFUSED


def test_observe_refuses_commands_that_would_act_but_adopts() -> None:
    observe = SiteSettings(site="lab")
    assert choose_workflow(desired(), NEW, observe, None, ask(Verb.REIMAGE)).choice is Choice.REFUSED
    assert choose_workflow(desired(status="active"), NEW, observe, None, ask(Verb.ADOPT)).choice is Choice.START


def test_retry_repeats_the_failed_workflow_and_nothing_else() -> None:
    failed = NodeStatus(node="lab.nb-1", outcome="failed", workflow="provision")
    assert choose_workflow(desired(), failed, AUTO, run(), ask(Verb.RETRY)).workflow == "provision"
    assert choose_workflow(desired(), NEW, AUTO, None, ask(Verb.RETRY)).choice is Choice.REFUSED


@pytest.mark.parametrize("status", [NEW, ACCEPTED])
def test_a_command_that_expects_another_release_than_the_inventorys_is_refused(status: NodeStatus) -> None:
    wanted = ask(Verb.REIMAGE).model_copy(update={"release": "debian-99"})
    refused = choose_workflow(desired(), status, AUTO, None, wanted)
    assert (refused.choice, refused.reason) == (
        Choice.REFUSED,
        "release debian-99 was asked for, the inventory says r1: change the inventory first",
    )
    same = ask(Verb.REIMAGE).model_copy(update={"release": "r1"})
    assert choose_workflow(desired(), status, AUTO, None, same).choice is Choice.START
