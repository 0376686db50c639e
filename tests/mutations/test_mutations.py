"""Each protection, taken out, is noticed by its own test. `make test` tries a seeded few, `make prove` all."""

import random
import re

import pytest

from tests.mutations.bmcs import BMCS
from tests.mutations.boot import BOOT
from tests.mutations.campaigns import CAMPAIGNS
from tests.mutations.edges import EDGES
from tests.mutations.engine import ENGINE
from tests.mutations.machine import MACHINE
from tests.mutations.mutation import Copy, Mutation
from tests.mutations.page import PAGE, with_table
from tests.project.tree import ROOT

ALL: tuple[Mutation, ...] = (*ENGINE, *CAMPAIGNS, *BOOT, *BMCS, *EDGES, *MACHINE)
FEW = 4
SEED = 20261101


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The project's files, once for all mutations."""
    return Copy(tmp_path_factory.mktemp("mutated"))


@pytest.mark.fast
@pytest.mark.parametrize("mutation", ALL, ids=str)
def test_it_can_be_applied_and_its_test_is_there(mutation: Mutation) -> None:
    mutation.applied()
    file, _, name = mutation.test.partition("::")
    assert not name or re.search(rf"def {re.escape(name.split('[')[0])}\(", (ROOT / file).read_text())


@pytest.mark.fast
def test_each_has_a_name_of_its_own_and_names_what_it_protects() -> None:
    assert len({mutation.name for mutation in ALL}) == len(ALL)
    rows = {*map(str, range(1, 27)), *(f"L{law}" for law in range(1, 11))}
    assert [mutation.name for mutation in ALL if not mutation.rows or not rows.issuperset(mutation.rows)] == []


@pytest.mark.fast
def test_the_page_lists_them_as_they_are() -> None:
    """``python -m tests.mutations.page`` writes it anew."""
    assert with_table(PAGE.read_text(), ALL) == PAGE.read_text()


@pytest.mark.real
def test_a_seeded_few_are_noticed(copy: Copy) -> None:
    few = random.Random(SEED).sample([m for m in ALL if "tests/workflows" in m.test or "tests/boot" in m.test], FEW)  # noqa: S311
    assert [why for mutation in few if (why := copy.survives(mutation))] == []


@pytest.mark.real
def test_what_takes_nothing_out_is_not_noticed(copy: Copy) -> None:
    """The harness itself: a harmless change survives, one that breaks the import is no proof."""
    harmless = Mutation(
        "harmless",
        ("1",),
        "workflows/model/grant.py",
        "import StrEnum\n",
        "import StrEnum\n\n",
        "tests/workflows/test_grant.py",
    )
    assert copy.survives(harmless).endswith("passed")
    broken = Mutation(
        "broken",
        ("1",),
        "workflows/model/grant.py",
        "import StrEnum\n",
        "import StrEnumm\n",
        "tests/workflows/test_grant.py",
    )
    assert "error" in copy.survives(broken)


@pytest.mark.long
@pytest.mark.real
@pytest.mark.parametrize("mutation", ALL, ids=str)
def test_it_is_noticed(copy: Copy, mutation: Mutation) -> None:
    assert copy.survives(mutation) == ""
