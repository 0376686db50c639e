"""Row 22: a grant goes forward only, and a taken one only by its machine's report."""

import itertools

import pytest

from tests.workflows.samples import NOON, PROFILE
from workflows.model.errors import BadInput
from workflows.model.grant import Grant, GrantState

pytestmark = pytest.mark.fast

FORWARD = {
    (GrantState.OPEN, GrantState.TAKEN),
    (GrantState.OPEN, GrantState.CLOSED),
    (GrantState.TAKEN, GrantState.REPORTED),
}


@pytest.mark.parametrize(("old", "new"), [*itertools.product(GrantState, GrantState)])
def test_it_goes_these_ways_and_no_other(old: GrantState, new: GrantState) -> None:
    grant = Grant(
        node="lab.nb-1",
        cause="g1",
        attempt=1,
        state=old,
        serial="SN1",
        uuid=None,
        macs=(),
        hint=PROFILE.sku.system_disk,
        image=PROFILE.release.image,
        deadline=NOON,
    )
    if (old, new) in FORWARD:
        assert grant.to(new).state is new
    else:
        with pytest.raises(BadInput):
            grant.to(new)
