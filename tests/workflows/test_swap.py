"""Old against new: what is one change, what is a person's to enter, and what fills a blank."""

import pytest

from tests.workflows.samples import desired
from workflows.model.desired import Desired, Interface
from workflows.model.hardware import Gpu, HardwareReport, Nic
from workflows.model.identity import IdentityChange, IdentityField
from workflows.model.swap import blanks, compare, unlike

pytestmark = pytest.mark.fast

UUID = "11111111-2222-3333-4444-555555555555"
ETH, IB0, IB1 = "52:54:00:00:00:01", "0xb83fd20300000001", "0xb83fd20300000002"


def wish(**changes: object) -> Desired:
    ports = (
        Interface(name="eth0", mac=ETH),
        Interface(name="ib0", guid=IB0),
        Interface(name="bmc", mac="52:54:00:00:00:ff", mgmt_only=True),
    )
    return desired(**({"interfaces": ports, "uuid": UUID} | changes))


def machine(**changes: object) -> HardwareReport:
    fields: dict[str, object] = {
        "protocol": "redfish",
        "address": "lab",
        "serial": "SN1",
        "uuid": UUID,
        "nics": (Nic(name="N1", place="Slot 1", macs=(ETH,)), Nic(name="N2", place="Slot 2", guids=(IB0,))),
        "gpus": (Gpu(name="GPU_1", serial="G1", place="SXM1"),),
    }
    return HardwareReport.model_validate(fields | changes)


def test_the_same_machine_differs_in_nothing_whatever_the_case_of_its_names() -> None:
    same = compare(wish(serial="sn1"), machine(uuid=UUID.upper()), machine())
    assert (same.lines(), same.follows) == ([], "")


def test_a_uuid_in_the_other_byte_order_is_the_same() -> None:
    record = wish(uuid="11223344-5566-7788-99aa-bbccddeeff00")
    assert compare(record, machine(uuid="44332211-6655-8877-99aa-bbccddeeff00"), None).changes == ()


def test_another_board_changes_serial_and_uuid_and_asks_for_a_proof() -> None:
    found = compare(wish(), machine(serial="SN9", uuid="99999999-2222-3333-4444-555555555555"), machine())
    assert [str(c) for c in found.changes] == [
        "serial SN1 → SN9",
        f"UUID {UUID} → 99999999-2222-3333-4444-555555555555",
    ]
    assert found.follows == "reimage"


def test_a_uuid_that_many_boards_share_or_that_is_only_blank_is_no_difference() -> None:
    assert compare(wish(), machine(uuid="ffffffff-ffff-ffff-ffff-ffffffffffff"), None).changes == ()
    assert compare(wish(uuid=None), machine(), None).changes == ()


def test_an_adapter_in_the_same_place_passes_its_address_on() -> None:
    two = (Nic(name="N2", place="Slot 2", guids=(IB0,)), Nic(name="N3", place="Slot 3", guids=(IB1,)))
    swapped = (
        Nic(name="N2", place="Slot 2", guids=("0xaa00000000000001",)),
        Nic(name="N3", place="Slot 3", guids=(IB1,)),
    )
    found = compare(wish(), machine(nics=(machine().nics[0], *swapped)), machine(nics=(machine().nics[0], *two)))
    assert found.changes == (
        IdentityChange(field=IdentityField.GUID, interface="ib0", old=IB0, new="0xaa00000000000001"),
    )


def test_without_an_earlier_look_one_gone_and_one_new_are_a_pair_and_more_are_a_persons_to_enter() -> None:
    new = Nic(name="N1", place="Slot 1", macs=("52:54:00:00:00:0a",))
    assert (
        str(compare(wish(), machine(nics=(new, machine().nics[1])), None).changes[0])
        == f"eth0 MAC {ETH} → {new.macs[0]}"
    )
    two = new.model_copy(update={"macs": ("52:54:00:00:00:0a", "52:54:00:00:00:0b")})
    open_ = compare(wish(), machine(nics=(two, machine().nics[1])), None)
    assert open_.changes == ()
    assert open_.open[0].startswith(f"eth0 MAC {ETH} is gone; new there: 52:54:00:00:00:0a, 52:54:00:00:00:0b")
    assert open_.follows


def test_a_bmc_that_shows_no_addresses_says_nothing_about_them() -> None:
    assert compare(wish(), machine(nics=()), None).lines() == []


def test_a_swapped_gpu_and_chassis_are_named_with_both_serials() -> None:
    gpu = machine().gpus[0].model_copy(update={"serial": "G9"})
    found = compare(wish(), machine(gpus=(gpu,), chassis="C2"), machine(chassis="C1"))
    assert found.parts == ("chassis serial C1 before, C2 now", "gpu SXM1: G1 before, G9 now")


def test_blanks_are_filled_only_where_there_is_no_choice() -> None:
    bare = wish(
        uuid=None, interfaces=(Interface(name="eth0"), Interface(name="bond0"), Interface(name="ib0", guid=IB0))
    )
    assert [str(c) for c in blanks(bare, machine())] == [f"UUID blank → {UUID}"]
    lagged = tuple(i.model_copy(update={"lag": "bond0"}) if i.name == "eth0" else i for i in bare.interfaces)
    assert str(blanks(bare.model_copy(update={"interfaces": lagged}), machine())[1]) == f"eth0 MAC blank → {ETH}"
    named = wish(interfaces=(Interface(name="n1"), Interface(name="n7"), Interface(name="ib0", guid=IB0)))
    assert [str(c) for c in blanks(named, machine())] == [f"n1 MAC blank → {ETH}"]


def test_what_the_inventory_says_and_the_machine_does_not_have_is_told() -> None:
    assert unlike(wish(), machine()) == ()
    other = machine(nics=(Nic(name="N1", macs=("52:54:00:00:00:0a",)),))
    assert unlike(wish(), other) == (f"eth0 MAC {ETH} is on no adapter that the BMC shows",)
