"""The SKU gate: what is missing, and where, before anything is wiped (law 10: what isn't shown counts as missing)."""

import pytest

from workflows.model.errors import BadInput
from workflows.model.hardware import Dimm, Gpu, HardwareReport, Nic, PartKind, PcieLink, Slot
from workflows.model.profile import PartRule, Sku
from workflows.model.sku_gate import changes, shortcomings, surplus

pytestmark = pytest.mark.fast

GIB64 = 64 * 2**30
GEN5 = PcieLink(generation=5, lanes=16)


def machine(**changes: object) -> HardwareReport:
    """Two GPUs, two adapters, two memory modules."""
    fields: dict[str, object] = {
        "protocol": "redfish",
        "address": "lab",
        "power": "on",
        "gpus": tuple(Gpu(name=f"GPU_{n}", model="H100 80GB HBM3", serial=f"G{n}", place=f"SXM{n}") for n in (1, 2)),
        "nics": tuple(Nic(name=f"NIC{n}", model="MCX75310AAS-NEAT", pcie=GEN5, place=f"Slot {n}") for n in (1, 2)),
        "dimms": tuple(Dimm(name=f"DIMM{n}", model="M321", serial=f"D{n}", size=GIB64) for n in (1, 2)),
    }
    return HardwareReport.model_validate(fields | changes)


def rule(kind: str, count: int = 2, **more: object) -> PartRule:
    return PartRule.model_validate({"kind": kind, "count": count} | more)


RULES = (
    rule("gpu", model="h100"),
    rule("nic", model="MCX753", pcie=5, lanes=16),
    rule("dimm", min_bytes=GIB64),
)


def lacks(report: HardwareReport, *rules: PartRule, known: HardwareReport | None = None) -> str:
    return " | ".join(shortcomings(report, rules or RULES, known))


def test_a_machine_that_has_everything_passes_and_more_is_told_only() -> None:
    assert lacks(machine()) == ""
    assert surplus(machine(), RULES) == ()
    assert surplus(machine(), [rule("gpu", 1)]) == ("2 GPUs, the profile asks for 1",)


def test_a_missing_memory_module_is_named_by_the_empty_place_that_the_bmc_shows() -> None:
    report = machine(dimms=machine().dimms[:1], empty=(Slot(kind=PartKind.DIMM, place="P1-DIMMB1"),))
    assert lacks(report) == "1 of 2 DIMMs (of at least 64 GiB): P1-DIMMB1 is empty"


def test_a_missing_gpu_is_named_by_the_profiles_places_or_by_what_sat_there_before() -> None:
    report = machine(gpus=machine().gpus[:1])
    assert lacks(report, rule("gpu", places=("SXM1", "SXM2"))) == "1 of 2 GPUs: SXM2 is missing"
    assert lacks(report, known=machine()).startswith("1 of 2 GPUs (h100): SXM2 held H100 80GB HBM3, serial G2 before")
    assert "there are SXM1" in lacks(report)


def test_an_older_riser_and_a_narrow_link_stop_it_with_their_place() -> None:
    first, second = machine().nics
    slow = machine(nics=(first, second.model_copy(update={"pcie": PcieLink(generation=4, lanes=16)})))
    assert "nic Slot 2 links at PCIe Gen4 x16, Gen5 x16 is demanded" in lacks(slow)
    narrow = machine(nics=(first, second.model_copy(update={"pcie": PcieLink(generation=5, lanes=8)})))
    assert "nic Slot 2 links at PCIe Gen5 x8" in lacks(narrow)


def test_what_the_bmc_does_not_show_is_missing() -> None:
    first, second = machine().nics
    assert "shows no PCIe link" in lacks(machine(nics=(first, second.model_copy(update={"pcie": None}))))
    no_lanes = second.model_copy(update={"pcie": PcieLink(generation=5)})
    assert "links at PCIe Gen5, Gen5 x16 is demanded" in lacks(machine(nics=(first, no_lanes)))
    sized = machine(dimms=tuple(d.model_copy(update={"size": None}) for d in machine().dimms))
    assert lacks(sized).startswith("0 of 2 DIMMs")
    none = machine(gpus=(), gaps=("GET /Processors: 500",))
    assert "the BMC shows none at all (power is on; what could not be read: GET /Processors: 500)" in lacks(none)


def test_a_part_of_another_model_is_no_substitute_and_is_told_with_its_place() -> None:
    first, second = machine().gpus
    swapped = machine(gpus=(first, second.model_copy(update={"model": "A100", "serial": None})))
    assert lacks(swapped) == "1 of 2 GPUs (h100): SXM2 has A100"


def test_swaps_since_the_last_inspection_are_told_by_place() -> None:
    first, second = machine().gpus
    now = machine(gpus=(first.model_copy(update={"serial": "G9"}), second), dimms=machine().dimms[:1])
    assert changes(now, machine()) == (
        "dimm DIMM2: D2 before, nothing now",
        "gpu SXM1: G1 before, G9 now",
    )
    assert changes(machine(), machine()) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "psu", "count": 2, "min_bytes": 1},
        {"kind": "gpu", "count": 2, "lanes": 16},
        {"kind": "gpu", "count": 1, "places": ["SXM1", "SXM2"]},
        {"kind": "fan", "count": 1},
        {"kind": "gpu", "count": 0},
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(wrong: dict[str, object]) -> None:
    import json

    sku = {"name": "s", "system_disk": {}, "parts": [wrong]}
    with pytest.raises(BadInput):
        Sku.decode(json.dumps(sku).encode())
