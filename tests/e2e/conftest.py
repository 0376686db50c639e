"""A site of one machine that stands *planned* in NetBox, with the project's services running."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.nats import forbidden
from lab.netbox.serve import NetBoxServer
from lab.site.needs import missing
from lab.site.racked import Racked, racked


@pytest.fixture
async def site(netbox: NetBoxServer, image_cache: Path, tmp_path: Path) -> AsyncIterator[Racked]:
    """The site; whatever the test did, NATS never had to refuse one of its logins anything."""
    if lacking := missing():
        pytest.skip(lacking)
    async with racked(tmp_path, netbox, image_cache) as running:
        yield running
        assert forbidden(running.site.nats) == []
