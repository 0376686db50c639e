"""Everything that a machine gives must fit one node."""

import pytest

from boot.identity import Identifiers, NodeIndex
from tests.boot.conftest import MAC, UUID, node
from workflows.model.errors import BadInput
from workflows.model.hardware import same_uuid

pytestmark = pytest.mark.fast


@pytest.fixture
def index() -> NodeIndex:
    made = NodeIndex()
    made.put(node())
    made.put(node(node="lab.n2", serial="SER2", uuid=None, interfaces=()))
    return made


@pytest.mark.parametrize(
    "who",
    [
        Identifiers(MAC, "SER1", UUID),
        Identifiers(MAC),
        Identifiers(serial="ser1"),
        Identifiers(MAC, "SER1", "33221100-5544-7766-8899-aabbccddeeff"),
    ],
    ids=["all", "MAC alone", "serial in other case", "UUID in the byte order of old firmware"],
)
def test_a_machine_that_fits_is_found(index: NodeIndex, who: Identifiers) -> None:
    found, _ = index.find(who)
    assert found is not None
    assert found.node == "lab.n1"


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (Identifiers(MAC, "SER2", UUID), "only in part"),
        (
            Identifiers(MAC, "SER1", "99999999-4455-6677-8899-aabbccddeeff"),
            "has the MAC of GPU 001 and is another machine: if its board was replaced, bringup rma GPU 001",
        ),
        (
            Identifiers("52:54:00:00:00:02", "SER1", UUID),
            "is GPU 001 with a MAC that isn't in its record: if its NIC was replaced, bringup rma GPU 001",
        ),
    ],
    ids=["serial of another node", "another UUID", "another NIC"],
)
def test_a_machine_of_which_one_identifier_is_wrong_is_nobody(index: NodeIndex, who: Identifiers, said: str) -> None:
    found, why = index.find(who)
    assert found is None
    assert said in why


def test_a_stranger_is_nobody(index: NodeIndex) -> None:
    assert index.find(Identifiers("52:54:00:ff:ff:ff", "X", ""))[0] is None
    assert index.find(Identifiers())[0] is None


def test_the_bmcs_mac_identifies_no_boot(index: NodeIndex) -> None:
    assert index.find(Identifiers("52:54:00:00:00:99"))[0] is None


def test_two_nodes_with_one_mac_are_both_refused(index: NodeIndex) -> None:
    index.put(node(node="lab.n3", serial="SER3", uuid=None))
    found, why = index.find(Identifiers(MAC))
    assert found is None
    assert "lab.n1, lab.n3" in why


def test_a_node_that_left_or_changed_is_found_by_its_newest_record_only(index: NodeIndex) -> None:
    index.put(node(serial="SER9"))
    assert index.find(Identifiers(serial="SER1"))[0] is None
    index.remove("lab.n1")
    assert index.find(Identifiers(serial="SER9"))[0] is None
    assert len(index) == 1


@pytest.mark.parametrize(
    ("mac", "serial", "uuid"), [("zz", "", ""), ("", "x" * 129, ""), ("", "a\nb", ""), ("", "", "1-2")]
)
def test_identifiers_of_no_machine_are_refused(mac: str, serial: str, uuid: str) -> None:
    with pytest.raises(BadInput):
        Identifiers.parse(mac, serial, uuid)


def test_a_uuid_that_belongs_to_another_node_fits_nobody(index: NodeIndex) -> None:
    assert index.find(Identifiers(serial="SER2", uuid=UUID))[0] is None


def test_uuids_differ_where_boards_differ() -> None:
    assert not same_uuid(UUID, "00112233-4455-6677-8899-aabbccddeefe")
    assert not same_uuid("", "")
