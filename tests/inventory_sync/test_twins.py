"""Two nodes that claim one identity are both refused; both are free again once one of them is corrected."""

import pytest

from inventory_sync.twins import Known
from workflows.model.desired import BmcTarget, Desired, Intent, Interface

pytestmark = pytest.mark.fast


def node(pk: int, intent: Intent = Intent.SERVE, **identity: str) -> Desired:
    mac, bmc = identity.pop("mac", None), identity.pop("bmc", None)
    return Desired(
        node=f"lab.nb-{pk}",
        name=f"gpu-{pk}",
        status="staged",
        intent=intent,
        serial=identity.pop("serial", None),
        uuid=identity.pop("uuid", None),
        interfaces=(Interface(name="eth0", mac=mac),) if mac else (),
        bmc=BmcTarget(address=bmc) if bmc else None,
    )


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        ({"serial": "SN1"}, "serial sn1"),
        ({"uuid": "AA-BB"}, "UUID aa-bb"),
        ({"mac": "02:00:00:00:00:0A"}, "MAC 02:00:00:00:00:0a"),
        ({"bmc": "10.0.0.1"}, "BMC address 10.0.0.1"),
    ],
)
def test_both_are_told_of_each_other(identity: dict[str, str], kind: str) -> None:
    known, one, two = Known(), node(1, **identity), node(2, **identity)
    assert known.put(one) == frozenset()
    assert known.put(two) == {"lab.nb-1"}
    assert known.problems(one) == (f"gpu-2 (lab.nb-2) has the same {kind}: correct one of them",)
    assert known.problems(two) == (f"gpu-1 (lab.nb-1) has the same {kind}: correct one of them",)


def test_case_tells_no_serials_apart() -> None:
    known = Known()
    known.put(node(1, serial="ABC"))
    assert known.put(node(2, serial="abc")) == {"lab.nb-1"}


def test_correcting_one_frees_the_other() -> None:
    known, one = Known(), node(1, serial="SN1")
    known.put(one)
    known.put(node(2, serial="SN1"))
    assert known.put(node(2, serial="SN2")) == {"lab.nb-1"}
    assert known.problems(one) == ()


def test_a_device_that_is_not_ours_is_no_twin() -> None:
    known, one = Known(), node(1, serial="SN1")
    known.put(one)
    assert known.put(node(2, Intent.NOT_OURS, serial="SN1")) == frozenset()
    assert known.problems(one) == ()


def test_looking_again_disturbs_nobody() -> None:
    known = Known()
    known.put(node(1, serial="SN1"))
    known.put(node(2, serial="SN1"))
    assert known.put(node(2, serial="SN1")) == frozenset()
