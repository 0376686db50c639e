"""The step ``verify_software``: a node that runs another driver than its release names never comes to its burn-in."""

import pytest

from tests.burn_in.test_proof import bundle, hgx
from tests.workflows.site import Site
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast


async def test_what_was_proved_to_run_is_told_with_the_acceptance() -> None:
    site = Site(wish=hgx())
    site.world.bundles["software"] = bundle()
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE, view.status.reason
    assert view.status.software == "driver 580.95.05 (open modules), Fabric Manager 580.95.05"
    assert site.world.probed == ["verify_software", "burn_in"]


async def test_another_driver_than_the_releases_ends_the_run_before_its_burn_in() -> None:
    site = Site(wish=hgx())
    site.world.bundles["software"] = bundle(Fabric_Manager="Fabric Manager version is : 580.105.08\n")
    await site.want()
    view = await site.tend()
    assert view.status.state is NodeState.FAILED
    assert "software.fabric_manager.version" in view.status.reason
    assert "is 580.105.08, expected 580.95.05" in view.status.reason
    assert "burn_in" not in site.world.probed


async def test_a_release_without_gpu_software_passes_unasked() -> None:
    site = Site()
    await site.want()
    view = await site.tend()
    assert (view.status.state, view.status.software) == (NodeState.IN_SERVICE, "")
    assert site.world.probed == ["burn_in"]
