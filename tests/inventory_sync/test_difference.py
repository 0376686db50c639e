"""What NetBox should show and doesn't: written once a run, never against a person, never what is there already."""

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_sync.project import project
from inventory_sync.write_back import Change, difference
from tests.inventory_sync.rows import PROFILES, SETTINGS, device, record
from workflows.model.identity import IdentityChange, IdentityField
from workflows.model.status import NodeState, NodeStatus, StepTiming

pytestmark = pytest.mark.fast

ACCEPTED = NodeStatus(
    node="lab.nb-17",
    state=NodeState.IN_SERVICE,
    run="lab.nb-17.g1",
    cause="g1",
    workflow="provision",
    outcome="succeeded",
    accepted_run="lab.nb-17.g1",
    accepted_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
    timings=(StepTiming(step="deploy", seconds=61.5, attempts=2),),
    report="ab" * 32,
    software="driver 580.95.05 (open modules)",
)
FAILED = NodeStatus(
    node="lab.nb-17",
    state=NodeState.FAILED,
    run="lab.nb-17.g1",
    cause="g1",
    workflow="provision",
    outcome="failed",
    reason="the disk is too small",
    next_action="swap it, then retry",
)


def change(row: dict[str, Any], status: NodeStatus) -> Change | None:
    return difference(row, project(record(row), SETTINGS, PROFILES), status, SETTINGS)


def applied(row: dict[str, Any], done: Change) -> dict[str, Any]:
    """The row as it is after the PATCH."""
    fields = row["custom_fields"] | done.patch["custom_fields"]
    status = {"value": done.patch["status"]} if "status" in done.patch else row["status"]
    return row | {"custom_fields": fields, "status": status}


def test_a_device_without_a_run_is_left_alone() -> None:
    assert change(device(status={"value": "active"}), NodeStatus(node="lab.nb-17")) is None


def test_acceptance_moves_the_status_and_leaves_one_entry_with_timings() -> None:
    done = change(device(), ACCEPTED)
    assert done is not None
    assert done.patch["status"] == "active"
    [entry] = done.entries
    assert entry.kind == "success"
    assert "| deploy | 61.5 | 2 |" in entry.text
    assert "software: driver 580.95.05 (open modules)" in entry.text
    assert "lab.nb-17.g1" in entry.mark
    assert done.patch["changelog_message"] == "bringup: g1 succeeded"


@pytest.mark.parametrize("status", [ACCEPTED, FAILED])
def test_told_once(status: NodeStatus) -> None:
    done = change(device(), status)
    assert done is not None
    assert change(applied(device(), done), status) is None


def test_a_person_who_sets_staged_again_is_not_overruled() -> None:
    done = change(device(), ACCEPTED)
    assert done is not None
    again = applied(device(), done) | {"status": {"value": "staged"}}
    assert change(again, ACCEPTED) is None


def test_failure_says_why_and_what_next() -> None:
    done = change(device(), FAILED)
    assert done is not None
    assert done.patch["status"] == "failed"
    assert done.patch["custom_fields"]["bringup_message"] == "the disk is too small Next: swap it, then retry"
    assert done.entries[0].kind == "danger"


@pytest.mark.parametrize("status", ["planned", "decommissioning", "offline"])
def test_the_status_never_leaves_its_class(status: str) -> None:
    done = change(device(status={"value": status}), ACCEPTED)
    assert done is not None
    assert "status" not in done.patch


def test_a_running_step_is_shown_without_an_entry_and_without_a_status() -> None:
    running = NodeStatus(node="lab.nb-17", state=NodeState.WAITING, run="lab.nb-17.g1", cause="g1", step="deploy")
    done = change(device(), running.model_copy(update={"reason": "writing the disk"}))
    assert done is not None
    assert done.entries == ()
    assert set(done.patch["custom_fields"]) == {"bringup_state", "bringup_message"}
    assert done.patch["custom_fields"]["bringup_message"] == "deploy: writing the disk"
    assert "status" not in done.patch


@pytest.mark.parametrize("state", [NodeState.IDLE, NodeState.WOULD, NodeState.IN_SERVICE])
def test_what_is_wrong_stands_on_the_device_and_in_its_journal_once(state: NodeState) -> None:
    """Whatever the node's state was when the record became wrong; a node in service hears of it too."""
    row, status = device(serial=""), NodeStatus(node="lab.nb-17", state=state)
    done = change(row, status)
    assert done is not None
    assert done.patch["custom_fields"]["bringup_message"].startswith("It has no serial number")
    [entry] = done.entries
    assert entry.kind == "warning"
    assert "It has no serial number" in entry.text
    told = applied(row, done)
    assert change(told, status) is None
    idle = change(told, NodeStatus(node="lab.nb-17"))
    assert idle is None or idle.entries == ()


def test_a_second_thing_that_is_wrong_is_told_too() -> None:
    status = NodeStatus(node="lab.nb-17")
    first = change(device(serial=""), status)
    assert first is not None
    more = applied(device(serial="", custom_fields={"bringup_sku": "nobody-has-this"}), first)
    second = change(more, status)
    assert second is not None
    assert second.entries[0].mark not in first.entries[0].text


def test_a_corrected_record_takes_its_message_back() -> None:
    row = device(custom_fields={"bringup_message": "It has no serial number."})
    done = change(row, NodeStatus(node="lab.nb-17"))
    assert done is not None
    assert done.patch["custom_fields"] == {"bringup_message": None}


def test_the_outside_witness_of_an_accepted_run_is_never_emptied() -> None:
    done = change(device(), ACCEPTED)
    assert done is not None
    lost = change(applied(device(), done), NodeStatus(node="lab.nb-17"))
    assert lost is not None
    assert set(lost.patch["custom_fields"]) == {"bringup_state"}


def test_a_netbox_restored_from_a_backup_is_told_again() -> None:
    older = device(custom_fields={"bringup_run": "g1 failed", "bringup_state": "failed"}, status={"value": "failed"})
    newer = ACCEPTED.model_copy(update={"run": "lab.nb-17.c9", "cause": "c9"})
    done = change(older, newer)
    assert done is not None
    assert done.patch["status"] == "active"
    assert done.patch["custom_fields"]["bringup_run"] == "c9 succeeded"


def test_a_blank_is_filled_only_where_the_site_allows_it_and_only_with_the_outcome() -> None:
    learned = (IdentityChange(field=IdentityField.UUID, new="11111111-2222-3333-4444-555555555555"),)
    status = ACCEPTED.model_copy(update={"identity": learned})
    done = change(device(), status)
    assert done is not None
    assert "bringup_uuid" not in done.patch["custom_fields"]
    fills = SETTINGS.model_copy(update={"fill_blanks": True})
    wish = project(record(device()), fills, PROFILES)
    done = difference(device(), wish, status, fills)
    assert done is not None
    assert done.patch["custom_fields"]["bringup_uuid"] == learned[0].new
    told = applied(device(), done)
    told["custom_fields"]["bringup_uuid"] = None
    assert difference(told, wish, status, fills) is None
