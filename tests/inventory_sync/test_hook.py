"""What a signed body must be to count as a hook."""

import json

import pytest

from inventory_sync.webhook import parse_hook
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    "hook",
    [[], {}, {"object_type": "dcim.device"}, {"object_type": "dcim.device", "data": {"id": "7"}}, {"data": {"id": 7}}],
    ids=["a list", "empty", "of nothing", "an id that is none", "of no type"],
)
def test_a_signed_body_that_is_no_hook_is_refused_and_not_passed_over(hook: object) -> None:
    with pytest.raises(BadInput, match="no NetBox hook"):
        parse_hook(json.dumps(hook).encode())
