"""Selectors: exactly the nodes that were meant, or a sentence."""

import pytest

from tests.workflows.samples import desired
from workflows.engine.selector import select
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast

NODES = [desired(f"gpu-{n:03d}", rack="R12" if n < 3 else "R13", tags=("hot",) if n == 1 else ()) for n in range(1, 5)]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("gpu-001", ["gpu-001"]),
        ("GPU-001", ["gpu-001"]),
        ("lab.nb-2", ["gpu-002"]),
        ("gpu-[002-004]", ["gpu-002", "gpu-003", "gpu-004"]),
        ("rack:R12", ["gpu-001", "gpu-002"]),
        ("tag:hot,gpu-004", ["gpu-001", "gpu-004"]),
        ("sku:lab", ["gpu-001", "gpu-002", "gpu-003", "gpu-004"]),
    ],
)
def test_it_names_these(selector: str, names: list[str]) -> None:
    assert [d.name for d in select(selector, NODES)] == names


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "gpu-009",
        "gpu-[4-1]",
        "gpu-[001-",
        "rack:R99",
        "colour:red",
        "gpu-001,",
        "gpu-[1-999999999]",
        "gpu-[001-20000]-[1-20000]-[1-20000]",
        "gpu-[00001-20000]," * 200 + "gpu-001",
        "[",
        "]",
        "gpu-[-1]",
        "rack:",
        ":",
    ],
)
def test_anything_else_is_refused_whole(selector: str) -> None:
    with pytest.raises(BadInput):
        select(selector, NODES)


def test_a_selector_is_bounded_however_it_is_written() -> None:
    """Each part is small enough, and all names exist: the whole is not taken."""
    with pytest.raises(BadInput, match="more than 20000 nodes"):
        select(",".join(["gpu-[001-004]"] * 5001), NODES)


def test_ten_thousand_names_of_ten_thousand_nodes_are_found() -> None:
    """Each name is looked up, not searched for in all nodes: that took minutes."""
    many = [desired(f"gpu-{n:05d}", node=f"lab.nb-{n}") for n in range(10_000)]
    assert len(select("gpu-[00000-09999]", many)) == 10_000


def test_a_name_that_two_nodes_share_is_refused_with_their_keys() -> None:
    twins = [desired("GPU 001.rno1.example.com", node="a.nb-1"), desired("GPU 001.rno1.example.com", node="a.nb-2")]
    with pytest.raises(BadInput, match=r"a\.nb-1, a\.nb-2"):
        select("gpu 001.rno1.example.com", twins)
