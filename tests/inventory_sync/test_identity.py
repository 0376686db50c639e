"""What NetBox learns of a machine: approved changes over exactly the old value, blanks where the site allows it."""

import pytest

from tests.inventory_sync.conftest import SETTINGS, Rig
from tests.inventory_sync.test_write_back import accepted
from workflows.model.hardware import Gpu, HardwareReport, Nic
from workflows.model.identity import IdentityChange, IdentityField
from workflows.model.status import NodeState, NodeStatus

pytestmark = pytest.mark.real

UUID = "11111111-2222-3333-4444-555555555555"
OLD_MAC, NEW_MAC = "02:00:00:00:00:01", "02:00:00:00:00:91"
GUID = "0xb83fd20300000001"


def change(field: IdentityField, old: str | None, new: str, interface: str = "") -> IdentityChange:
    return IdentityChange(field=field, interface=interface, old=old, new=new)


def approved(rig: Rig, *changes: IdentityChange) -> NodeStatus:
    """An ``rma`` run that waits for the inventory."""
    run = f"{rig.node}.c7"
    return NodeStatus(
        node=rig.node, state=NodeState.WAITING, run=run, cause="c7", workflow="rma", step="take_over", identity=changes
    )


async def interface(rig: Rig, name: str) -> dict[str, object]:
    [row] = await rig.admin.rows("dcim/interfaces", device_id=rig.pk, name=name)
    return row


async def test_an_approved_swap_replaces_what_was_there_and_is_explained_once(rig: Rig) -> None:
    await rig.look(rig.pk)
    before = await rig.desired(rig.node)
    swap = (
        change(IdentityField.SERIAL, "SN-001", "SN-900"),
        change(IdentityField.UUID, None, UUID),
        change(IdentityField.MAC, OLD_MAC, NEW_MAC, "eth0"),
    )
    await rig.put_status(approved(rig, *swap))
    rig.sync.settings = SETTINGS.model_copy(update={"fill_blanks": True})
    await rig.look(rig.pk)
    await rig.look(rig.pk)
    now = await rig.desired(rig.node)
    assert (now.serial, now.uuid, now.boot_macs()) == ("SN-900", UUID, (NEW_MAC,))
    assert now.generation == before.generation + 1
    [entry] = await rig.admin.rows("extras/journal-entries", assigned_object_id=rig.pk)
    assert "serial SN-001 → SN-900" in entry["comments"]
    [newest, *_] = await rig.admin.page("core/object-changes", 5, ordering="-id", fields="id")
    await rig.look(rig.pk)
    [after, *_] = await rig.admin.page("core/object-changes", 5, ordering="-id", fields="id")
    assert after == newest, "looking again writes nothing"


async def test_what_a_person_entered_meanwhile_is_never_overwritten(rig: Rig) -> None:
    await rig.admin.update("dcim/devices", rig.pk, {"serial": "SN-PERSON"})
    swap = (
        change(IdentityField.SERIAL, "SN-001", "SN-900"),
        change(IdentityField.MAC, "02:00:00:00:00:77", NEW_MAC, "eth0"),
    )
    await rig.put_status(approved(rig, *swap))
    await rig.look(rig.pk)
    await rig.look(rig.pk)
    now = await rig.desired(rig.node)
    assert (now.serial, now.boot_macs()) == ("SN-PERSON", (OLD_MAC,))


async def test_blanks_are_filled_where_the_site_allows_it_and_start_nothing(rig: Rig) -> None:
    port = {"device": rig.pk, "name": "ib0", "type": "infiniband-ndr"}
    await rig.admin.create("dcim/interfaces", port)
    await rig.look(rig.pk)
    before = await rig.desired(rig.node)
    blanks = (change(IdentityField.UUID, None, UUID), change(IdentityField.GUID, None, GUID, "ib0"))
    status = accepted(rig).model_copy(update={"identity": blanks})
    await rig.put_status(status)
    rig.sync.settings = SETTINGS.model_copy(update={"fill_blanks": True})
    await rig.look(rig.pk)
    await rig.look(rig.pk)
    now = await rig.desired(rig.node)
    assert now.uuid == UUID
    assert [i.guid for i in now.interfaces if i.name == "ib0"] == [GUID]
    assert now.generation == before.generation, "a blank that was filled is no new wish"
    await rig.admin.update("dcim/devices", rig.pk, {"custom_fields": {"bringup_uuid": None}})
    await rig.look(rig.pk)
    row = await rig.admin.get("dcim/devices", rig.pk)
    assert row is not None
    assert row["custom_fields"]["bringup_uuid"] is None, "a person emptied it after it was told"


async def test_parts_fill_modules_first_and_items_else_and_a_serial_that_differs_is_only_told(rig: Rig) -> None:
    made = {}
    [maker] = await rig.admin.rows("dcim/manufacturers", slug="lab")
    kind = await rig.admin.create("dcim/module-types", {"manufacturer": maker["id"], "model": "H100"})
    for bay in ("SXM1", "SXM2"):
        place = await rig.admin.create("dcim/module-bays", {"device": rig.pk, "name": bay})
        module = {"device": rig.pk, "module_bay": place["id"], "module_type": kind["id"], "status": "active"}
        serial = {"serial": "G-OLD"} if bay == "SXM2" else {}
        made[bay] = (await rig.admin.create("dcim/modules", module | serial))["id"]
    gpus = tuple(Gpu(name=f"GPU_{n}", serial=f"G{n}", place=f"SXM{n}") for n in (1, 2))
    nic = Nic(name="NIC1", model="MCX75310AAS", serial="N1", place="Slot 1")
    report = HardwareReport(protocol="redfish", address="lab", gpus=gpus, nics=(nic,))
    kept = await rig.evidence.put(report.encode())
    rig.sync.settings = SETTINGS.model_copy(update={"fill_blanks": True})
    await rig.look(rig.pk)
    await rig.put_status(accepted(rig).model_copy(update={"inventory": kept}))
    await rig.look(rig.pk)
    modules = {row["id"]: row["serial"] for row in await rig.admin.rows("dcim/modules", device_id=rig.pk)}
    assert modules == {made["SXM1"]: "G1", made["SXM2"]: "G-OLD"}
    [item] = await rig.admin.rows("dcim/inventory-items", device_id=rig.pk)
    assert (item["name"], item["serial"], item["part_id"], item["discovered"]) == ("nic Slot 1", "N1", nic.model, True)
    entries = [row["comments"] for row in await rig.admin.rows("extras/journal-entries", assigned_object_id=rig.pk)]
    [told] = [text for text in entries if "parts differ" in text]
    assert "gpu SXM2: NetBox says G-OLD, the machine has G2" in told
    [newest, *_] = await rig.admin.page("core/object-changes", 5, ordering="-id", fields="id")
    await rig.look(rig.pk)
    [after, *_] = await rig.admin.page("core/object-changes", 5, ordering="-id", fields="id")
    assert after == newest, "looking again writes nothing"
