"""Trees that nobody has seen: fields that are missing, renamed, null or of another type, members that aren't there.

The driver answers, or refuses with an error of its own; and what it writes never goes to a GPU baseboard. Each case begins
as the tree of a lab BMC, of a synthetic machine, or (where they lie beside the checkout) of a recorded one.
"""

import contextlib
import copy
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.bmc.bmc import LabBmc
from lab.bmc.profiles import PROFILES
from lab.bmc.simulated import SimulatedMachine
from tests.drivers_bmc.conftest import MACS, SERIAL, UUID
from tests.fakes.redfish_tree import Bodies, TreeWire, recorded
from tests.fakes.synthetic_trees import SYNTHETIC
from workflows.drivers.redfish import RedfishBmc
from workflows.engine.ports import BootTarget, Power
from workflows.model.errors import BringupError

pytestmark = pytest.mark.search

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "redfish"
VERBS: tuple[Callable[[RedfishBmc], Awaitable[object]], ...] = (
    lambda bmc: bmc.facts(),
    lambda bmc: bmc.boot(BootTarget.NETWORK_ONCE),
    lambda bmc: bmc.boot(BootTarget.DISK),
    lambda bmc: bmc.power(Power.OFF),
    lambda bmc: bmc.power(Power.ON),
    lambda bmc: bmc.survey(),
    lambda bmc: bmc.events(5),
    lambda bmc: bmc.reset_bmc(),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
ROOT = "/redfish/v1"
GONE = object()
WRONG = {
    "gone": GONE,
    "null": None,
    "number": 7,
    "text": "x",
    "list": [7, None, {"@odata.id": 7}, ["x"]],
    "object": {"x": {"x": 7}},
}
SAMPLE = ("synthetic-xcc-sr675", "synthetic-idrac9-xe9680", "dgx-h100")
"""Trees that have most fields between them, and are small."""


@functools.cache
def tree(name: str) -> Bodies:
    """The bodies of a tree, by its name."""
    if name in PROFILES:
        bmc = LabBmc(SimulatedMachine(SERIAL, UUID, MACS), traits=PROFILES[name])
        return dict(bmc._bodies(bmc._view()))
    return SYNTHETIC[name]() if name in SYNTHETIC else recorded(SAMPLES / name)


TREES = [*PROFILES, *SYNTHETIC, *sorted(p.name for p in SAMPLES.glob("*.tar.xz"))]


def places(value: Any, *, deep: int = 5) -> list[tuple[Any, Any]]:
    """Each container in a body with each of its keys."""
    found: list[tuple[Any, Any]] = []
    keys: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys if deep else ():
        found.append((value, key))
        found += places(value[key], deep=deep - 1)
    return found


def spoil(draw: st.DrawFn, bodies: Bodies) -> None:
    """One thing that is wrong with the tree, more likely near its root and with what holds something."""
    near = [p for p in bodies if p.count("/") <= 4]
    path = draw(st.sampled_from(near if near and draw(st.integers(0, 3)) else list(bodies)))
    kind = draw(st.sampled_from(["other", "other", "null", "drop", "rename", "gone"]))
    spots = places(bodies[path])
    holding = [(holder, key) for holder, key in spots if isinstance(holder[key], dict | list)]
    if kind == "gone" or not spots:
        bodies[path] = {}
    else:
        holder, key = draw(st.sampled_from(holding if holding and draw(st.booleans()) else spots))
        if kind == "drop":
            del holder[key]
        elif kind == "rename" and isinstance(key, str):
            holder[draw(st.text(max_size=8))] = holder.pop(key)
        else:
            holder[key] = None if kind == "null" else draw(ANYTHING)


@st.composite
def spoiled(draw: st.DrawFn) -> Bodies:
    """A tree with up to eight things wrong with it."""
    bodies = copy.deepcopy(tree(draw(st.sampled_from(TREES))))
    for _ in range(draw(st.integers(1, 8))):
        spoil(draw, bodies)
    return bodies


async def drive(bodies: Bodies) -> None:
    """Each verb on a BMC that shows this: an answer, or an error of the driver's own."""
    wire = TreeWire(bodies)
    for verb in VERBS:
        bmc = wire.connect()
        with contextlib.suppress(BringupError):
            await bmc.open()
            await verb(bmc)
    assert not [path for _, path, _ in wire.writes if "HGX_" in path]


def respelled(value: Any, key: str, wrong: Any) -> Any:
    """A body in which each field of this name has another value; without it for GONE."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k != key or wrong is not GONE}
        return {k: wrong if k == key else respelled(v, key, wrong) for k, v in kept.items()}
    return [respelled(v, key, wrong) for v in value] if isinstance(value, list) else value


def keys_of(value: Any) -> set[str]:
    """The names of all fields in a body."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (set(value) if isinstance(value, dict) else set()).union(*map(keys_of, inner))


async def each_field(names: Sequence[str], wrong: Any) -> None:
    """Each field that occurs in these trees, wrong wherever it stands in one of them that has it."""
    known: set[str] = set()
    for name in names:
        whole = tree(name)
        for key in sorted(keys_of(list(whole.values())) - known):
            await drive({path: respelled(body, key, wrong) for path, body in whole.items()})
            known.add(key)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_field_that_is_wrong_everywhere_is_answered_or_refused(wrong: Any) -> None:
    await each_field(SAMPLE, wrong)


@pytest.mark.long
@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_field_of_any_tree_that_is_wrong_everywhere_is_answered_or_refused(name: str, wrong: Any) -> None:
    await each_field([name], wrong)


@given(spoiled())
async def test_whatever_a_tree_holds_the_driver_answers_or_refuses(bodies: Bodies) -> None:
    await drive(bodies)


@pytest.mark.parametrize("name", [*PROFILES, *SYNTHETIC])
async def test_a_tree_without_one_of_its_resources_is_still_read(name: str) -> None:
    """Whatever is missing but the way to the System itself is a gap, not the report's end."""
    whole = tree(name)
    needed = {ROOT, f"{ROOT}/Systems", (await TreeWire(whole).connect().survey()).system.rstrip("/")}
    for path in [p for p in whole if p not in needed and p.count("/") <= 5]:
        report = await TreeWire({p: b for p, b in whole.items() if p != path}).connect().survey()
        assert report.system.rstrip("/") in needed
