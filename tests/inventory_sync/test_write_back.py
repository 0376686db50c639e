"""Outcomes in a real NetBox: told once, starting nothing; and the set-up, done twice."""

import pytest

from inventory_sync.netbox_setup import ensure, wanted
from tests.inventory_sync.conftest import SECRET, SETTINGS, Rig
from workflows.model.errors import Conflict
from workflows.model.status import NodeState, NodeStatus, StepTiming

pytestmark = pytest.mark.real


def accepted(rig: Rig) -> NodeStatus:
    return NodeStatus(
        node=rig.node,
        state=NodeState.IN_SERVICE,
        run=f"{rig.node}.g1",
        cause="g1",
        workflow="provision",
        outcome="succeeded",
        accepted_run=f"{rig.node}.g1",
        timings=(StepTiming(step="deploy", seconds=61.5),),
    )


async def test_an_outcome_is_told_once_and_starts_nothing(rig: Rig) -> None:
    async with rig.running():
        before = await rig.wait_for(rig.node, lambda d: d.status == "staged")
        await rig.put_status(accepted(rig))
        after = await rig.wait_for(rig.node, lambda d: d.status == "active")
    assert after.generation == before.generation
    row = await rig.admin.get("dcim/devices", rig.pk)
    assert row is not None
    assert row["status"]["value"] == "active"
    assert row["custom_fields"]["bringup_run"] == "g1 succeeded"
    assert row["custom_fields"]["bringup_state"] == "in-service"
    [entry] = await rig.admin.rows("extras/journal-entries", assigned_object_id=rig.pk)
    assert "| deploy | 61.5 | 1 |" in entry["comments"]
    changes = await rig.admin.rows("core/object-changes", user_name=SETTINGS.service_user, changed_object_id=rig.pk)
    device_changes = [c for c in changes if c["changed_object_type"] == "dcim.device"]
    assert [c["message"] for c in device_changes] == ["bringup: g1 succeeded"]
    # Looking again, and a person's staged, write nothing more.
    await rig.look()
    await rig.admin.update("dcim/devices", rig.pk, {"status": "staged"})
    await rig.look()
    again = await rig.admin.rows("core/object-changes", user_name=SETTINGS.service_user, changed_object_id=rig.pk)
    assert len(again) == len(changes)


async def test_a_crash_between_entry_and_status_doubles_no_entry(rig: Rig) -> None:
    await rig.put_status(accepted(rig))
    await rig.look(rig.pk)
    cleared = {"custom_fields": {"bringup_run": None}, "status": "staged"}
    await rig.admin.update("dcim/devices", rig.pk, cleared)
    await rig.look(rig.pk)
    assert len(await rig.admin.rows("extras/journal-entries", assigned_object_id=rig.pk)) == 1
    row = await rig.admin.get("dcim/devices", rig.pk)
    assert row is not None
    assert row["custom_fields"]["bringup_run"] == "g1 succeeded"


async def test_set_up_twice_changes_nothing_and_mends_what_differs(rig: Rig) -> None:
    [link] = await rig.admin.rows("extras/custom-links", name="bringup")
    await rig.admin.delete("extras/custom-links", link["id"])
    items = wanted(SETTINGS, "http://127.0.0.1:9", SECRET)
    first = await ensure(rig.admin, items, dry_run=True)
    assert first == ["create custom-links bringup", "change webhooks bringup: payload_url"]
    assert await ensure(rig.admin, items, dry_run=False) == first
    [before] = await rig.admin.page("core/object-changes", 1, ordering="-id", fields="id")
    assert await ensure(rig.admin, items, dry_run=False) == []
    [after] = await rig.admin.page("core/object-changes", 1, ordering="-id", fields="id")
    assert after == before


async def test_peoples_own_field_keeps_its_own(rig: Rig) -> None:
    [field] = await rig.admin.rows("extras/custom-fields", name="gateway")
    own = {"group_name": "network", "label": "Router", "object_types": ["ipam.vlan"]}
    await rig.admin.update("extras/custom-fields", field["id"], own)
    items = wanted(SETTINGS, "http://127.0.0.1:9", SECRET)
    said = await ensure(rig.admin, items, dry_run=False)
    assert "change custom-fields gateway: object_types" in said
    now = await rig.admin.get("extras/custom-fields", field["id"])
    assert now is not None
    assert (now["label"], sorted(now["object_types"])) == ("Router", ["ipam.prefix", "ipam.vlan"])


async def test_an_outcome_never_overwrites_what_a_person_changed_meanwhile(rig: Rig) -> None:
    """NetBox saves a device whole: our PATCH of a field, made from an older read, would take the person's status back."""
    read = await rig.admin.get("dcim/devices", rig.pk)
    assert read is not None
    await rig.admin.update("dcim/devices", rig.pk, {"status": "failed"})
    with pytest.raises(Conflict):
        await rig.admin.update("dcim/devices", rig.pk, {"custom_fields": {"bringup_state": "idle"}}, seen=read)
    now = await rig.admin.get("dcim/devices", rig.pk)
    assert now is not None
    assert now["status"]["value"] == "failed"
    await rig.admin.update("dcim/devices", rig.pk, {"custom_fields": {"bringup_state": "idle"}}, seen=now)
