"""The set-up as a ticket for NetBox's administrators."""

import pytest

from inventory_sync.netbox_setup import as_ticket, wanted
from tests.inventory_sync.rows import SETTINGS

pytestmark = pytest.mark.fast


def test_the_ticket_names_everything_but_the_secret() -> None:
    items = wanted(SETTINGS, "https://bringup.example.com", "the webhook's secret")
    ticket = as_ticket(items, SETTINGS)
    assert "the webhook's secret" not in ticket
    for item in items:
        assert str(item.body[item.key]) in ticket
    assert "core.objectchange" in ticket
    assert '"role__slug__in"' in ticket
