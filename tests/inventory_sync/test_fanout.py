"""What a change touches, by the snapshots that webhook and change log share."""

from typing import Any

import pytest

from inventory_sync.fanout import Touched, batches, touched

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("object_type", "before", "after", "expected"),
    [
        ("dcim.device", None, {"name": "x"}, Touched(devices=frozenset({9}))),
        ("dcim.interface", None, {"device": 4}, Touched(devices=frozenset({4}))),
        ("dcim.interface", {"device": 4}, None, Touched(devices=frozenset({4}))),
        ("dcim.interface", None, None, Touched(interfaces=frozenset({9}))),
        (
            "dcim.macaddress",
            {"assigned_object_id": 3},
            {"assigned_object_id": 5},
            Touched(interfaces=frozenset({3, 5})),
        ),
        ("ipam.ipaddress", {"assigned_object_id": None}, {"assigned_object_id": 5}, Touched(interfaces=frozenset({5}))),
        ("dcim.cable", {"a_terminations": [1], "b_terminations": [2]}, None, Touched(interfaces=frozenset({1, 2}))),
        ("dcim.cabletermination", {"termination_id": 7}, None, Touched(interfaces=frozenset({7}))),
        (
            "ipam.prefix",
            {"prefix": "10.0.0.0/24"},
            {"prefix": "10.0.0.0/23"},
            Touched(networks=frozenset({"10.0.0.0/24", "10.0.0.0/23"})),
        ),
        ("dcim.devicetype", {}, {"model": "x"}, Touched(filters=frozenset({("device_type_id", 9)}))),
        ("dcim.platform", {}, {"name": "x"}, Touched(filters=frozenset({("platform_id", 9)}))),
        ("extras.configcontext", {}, {"data": {}}, Touched(everything=True)),
        ("ipam.vlan", {}, {"vid": 7}, Touched(everything=True)),
        ("circuits.circuit", {}, {"cid": 7}, Touched()),
    ],
)
def test_touched(object_type: str, before: Any, after: Any, expected: Touched) -> None:
    assert touched(object_type, 9, before, after) == expected


def test_merging_loses_nothing_and_survives_the_wire() -> None:
    both = touched("dcim.device", 1, None) | touched("dcim.platform", 2, None) | touched("ipam.vlan", 3, None)
    assert both == Touched(devices=frozenset({1}), filters=frozenset({("platform_id", 2)}), everything=True)
    assert Touched.decode(both.encode()) == both
    assert not Touched()


def test_batches_keep_every_item_once() -> None:
    assert [len(b) for b in batches(range(250))] == [100, 100, 50]
    assert sorted(n for b in batches({3, 1, 2}, 2) for n in b) == [1, 2, 3]
