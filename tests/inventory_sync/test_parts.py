"""A machine's parts against NetBox's bays and items: blanks are filled, differences told, nothing overwritten. Pure."""

from typing import Any

import pytest

from inventory_sync.parts import compare
from inventory_sync.write_back import learns_parts
from tests.inventory_sync.rows import SETTINGS, device
from tests.inventory_sync.test_difference import ACCEPTED
from workflows.model.hardware import Dimm, Gpu, HardwareReport

pytestmark = pytest.mark.fast

REPORT = HardwareReport(
    protocol="redfish",
    address="lab",
    gpus=(Gpu(name="GPU_1", serial="G1", place="SXM1"),),
    dimms=(Dimm(name="DIMM1", serial="D1", model="M321"), Dimm(name="DIMM2")),
)


def bay(name: str, serial: str | None) -> dict[str, Any]:
    module = None if serial is None else {"id": 5, "serial": serial}
    return {"name": name, "position": "", "label": "", "installed_module": module}


def test_a_module_in_the_bay_of_that_name_is_filled_and_anything_else_becomes_an_item() -> None:
    found = compare(17, [bay("sxm1", ""), bay("SXM2", None)], [], REPORT)
    assert [(f.path, f.body.get("name"), f.body["serial"]) for f in found.fills] == [
        ("dcim/inventory-items", "dimm DIMM1", "D1"),
        ("dcim/modules", None, "G1"),
    ]
    assert found.differs == ()


def test_what_is_there_already_is_left_and_what_differs_is_told() -> None:
    items = [{"id": 10, "name": "DIMM dimm1", "serial": "d1"}]
    found = compare(17, [bay("SXM1", "G9")], items, REPORT)
    assert (found.fills, found.differs) == ((), ("gpu SXM1: NetBox says G9, the machine has G1",))


def test_an_empty_bay_and_a_part_without_a_serial_make_no_module() -> None:
    found = compare(17, [bay("SXM1", None)], [{"id": 10, "name": "dimm DIMM1", "serial": "D1"}], REPORT)
    assert [(f.path, f.row, f.body["name"]) for f in found.fills] == [("dcim/inventory-items", None, "gpu SXM1")]


def test_parts_come_once_with_an_outcome_that_is_good_and_only_where_the_site_allows_it() -> None:
    fills = SETTINGS.model_copy(update={"fill_blanks": True})
    status = ACCEPTED.model_copy(update={"inventory": "ab" * 32})
    assert learns_parts(device(), status, fills)
    assert not learns_parts(device(), status, SETTINGS)
    assert not learns_parts(device(), status.model_copy(update={"outcome": "failed"}), fills)
    told = device()
    told["custom_fields"]["bringup_run"] = "g1 succeeded"
    assert not learns_parts(told, status, fills)
