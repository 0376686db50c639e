"""Cabling against the inventory, by a subnet that ibnetdiscover really recorded: gpu01 to gpu08 on two leaves."""

from pathlib import Path

import pytest

from burn_in.judges.cabling import Cable, cables, judge_cabling, switch_port
from burn_in.readers.ibnetdiscover import Fabric, FabricEnd, FabricLink, read_ibnetdiscover
from workflows.model.desired import Interface, PeerPort
from workflows.model.verdict import Action, Verdict

pytestmark = pytest.mark.fast


def _guid(host: int) -> str:
    return f"b8cef60300cc00{host}1"


def _node(host: int, switch: str, port: str) -> tuple[Cable, ...]:
    peer = PeerPort(device=switch, port=port)
    return cables(f"gpu{host:02d}", (Interface(name="ib0", guid=f"0x{_guid(host)}", peer=peer),))


@pytest.fixture(scope="module")
def fabric(samples: Path) -> Fabric:
    """Hosts 1 to 4 on leaf01's ports 1 to 4, 5 to 8 on leaf02's."""
    return read_ibnetdiscover((samples / "ib-sim" / "ibnetdiscover-ok.txt").read_text())


@pytest.mark.parametrize(
    ("text", "port"),
    [("3", 3), ("ib3", 3), ("swp3", 3), ("IB1/3", 3), ("1/3", 3), ("IB1/9/1", 17), ("1/9/2", 18), (" 3 ", 3)],
)
def test_a_switch_ports_label_is_a_number(text: str, port: int) -> None:
    """As inventories write it; the second half of a twin port is the even one."""
    assert switch_port(text) == port


@pytest.mark.parametrize("text", ["", "uplink", "1/2/3/4", "IB2/3", "1/9/3"])
def test_what_is_no_port_of_a_plain_switch_is_none(text: str) -> None:
    """Never a guess."""
    assert switch_port(text) is None


def test_a_node_that_is_cabled_as_the_inventory_says_passes(fabric: Fabric) -> None:
    """Both leaves."""
    for host in range(1, 9):
        wanted = _node(host, "leaf01" if host < 5 else "leaf02", f"1/{(host - 1) % 4 + 1}")
        (check,) = judge_cabling(f"gpu{host:02d}", wanted, fabric)
        assert check.verdict is Verdict.PASS, check


def test_two_swapped_cables_are_a_pair_to_swap(fabric: Fabric) -> None:
    """gpu02 and gpu06 stand in each other's ports: said to both, each with the other's name."""
    wanted = _node(2, "leaf02", "2") + _node(6, "leaf01", "2")
    for node, other in (("gpu02", "gpu06"), ("gpu06", "gpu02")):
        (check,) = judge_cabling(node, wanted, fabric)
        assert (check.verdict, check.action) == (Verdict.FAIL, Action.RE_CABLE)
        assert check.advice == f"swap the cables of {node} ib0 and {other} ib0"


def test_two_rails_of_one_node_that_were_swapped_are_a_pair_to_swap() -> None:
    """The usual mistake behind a server."""
    ends = [FabricEnd("adapter", f"{n:016x}", f"{n:016x}", 1, "gpu01") for n in (1, 2)]
    leaves = [FabricEnd("switch", f"{n:016x}", f"{n:016x}", 7, f"MF0;leaf0{n}:MQM9700/U1") for n in (1, 2)]
    fabric = Fabric(2, 2, tuple(FabricLink(e, leaf, "4xNDR") for e, leaf in zip(ends, leaves[::-1], strict=True)), ())
    wanted = cables(
        "gpu01",
        tuple(Interface(name=f"ib{n}", guid=f"{n:016x}", peer=PeerPort(device=f"leaf0{n}", port="7")) for n in (1, 2)),
    )
    assert {c.advice for c in judge_cabling("gpu01", wanted, fabric)} == {
        "swap the cables of gpu01 ib1 and gpu01 ib2",
        "swap the cables of gpu01 ib2 and gpu01 ib1",
    }


def test_a_cable_in_a_free_port_is_to_be_moved(fabric: Fabric) -> None:
    """From where it is to where it belongs."""
    (check,) = judge_cabling("gpu02", _node(2, "leaf02", "9"), fabric)
    assert check.advice == "move the cable of gpu02 ib0 from leaf01 port 2 to leaf02 port 9"


def test_an_unlinked_port_fails(samples: Path) -> None:
    """gpu03's cable is out."""
    text = (samples / "ib-sim" / "ibnetdiscover-gpu03-unlinked.txt").read_text()
    (check,) = judge_cabling("gpu03", _node(3, "leaf01", "3"), read_ibnetdiscover(text))
    assert (check.verdict, check.measured, check.action) == (Verdict.FAIL, "linked to nothing", Action.RE_CABLE)


def test_a_port_that_can_not_be_told_is_unknown(fabric: Fabric) -> None:
    """The record is to be corrected, whatever the cable."""
    (check,) = judge_cabling("gpu02", _node(2, "leaf01", "uplink"), fabric)
    assert (check.verdict, check.action) == (Verdict.UNKNOWN, Action.COLLECT)
    assert "'leaf01 uplink'" in check.message


def test_a_switchs_name_may_hold_blanks_and_any_case() -> None:
    """As people name devices."""
    here, there = (
        FabricEnd("adapter", "1" * 16, "1" * 16, 1, "gpu01"),
        FabricEnd("switch", "2" * 16, "2" * 16, 7, "LEAF 2"),
    )
    peer = PeerPort(device="leaf 2", port="swp7")
    wanted = cables("gpu01", (Interface(name="ib0", guid="1" * 16, peer=peer),))
    (check,) = judge_cabling("gpu01", wanted, Fabric(1, 1, (FabricLink(here, there, "4xNDR"),), ()))
    assert check.verdict is Verdict.PASS


def test_leaf1_is_not_leaf11(fabric: Fabric) -> None:
    """A name is a whole word of the description."""
    (check,) = judge_cabling("gpu02", _node(2, "leaf0", "2"), fabric)
    assert check.verdict is Verdict.FAIL
