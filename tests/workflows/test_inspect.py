"""The step ``inspect`` in a whole run: what stops it, what it keeps, and how little it asks."""

import pytest

from tests.workflows.samples import PROFILE, desired
from tests.workflows.site import Site
from workflows.model.errors import Unreachable
from workflows.model.hardware import Gpu, HardwareReport
from workflows.model.profile import PartRule
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState

pytestmark = pytest.mark.fast

GPUS = tuple(Gpu(name=f"GPU_{n}", model="H100", serial=f"G{n}", place=f"SXM{n}") for n in (1, 2))
DEMANDING = PROFILE.model_copy(
    update={"sku": PROFILE.sku.model_copy(update={"parts": (PartRule.model_validate({"kind": "gpu", "count": 2}),)})}
)


def site_with(gpus: tuple[Gpu, ...], profile: object = DEMANDING, **changes: object) -> Site:
    site = Site(wish=desired(profile=profile, **changes))
    site.world.hardware = site.world.hardware.model_copy(update={"gpus": gpus})
    return site


async def test_a_machine_that_lacks_a_gpu_is_not_wiped_and_goes_on_when_it_is_there() -> None:
    site = site_with(GPUS[:1])
    await site.want()
    view = await site.tend()
    assert (view.status.state, view.status.step) == (NodeState.PARKED, "inspect")
    assert "nothing was wiped: 1 of 2 GPUs" in view.status.reason
    assert (site.world.writes, site.world.wipes) == (0, 0)
    site.world.hardware = site.world.hardware.model_copy(update={"gpus": GPUS})
    await site.command("retry")
    view = await site.until_settled()
    assert (view.status.state, site.world.wipes) == (NodeState.IN_SERVICE, 1)


async def test_the_inventory_is_kept_as_evidence_and_names_what_sat_in_an_empty_place() -> None:
    site = site_with(GPUS)
    await site.want()
    view = await site.until_settled()
    kept = HardwareReport.decode(await site.evidence.get(view.status.inventory))
    assert kept.gpus == GPUS
    site.world.hardware = site.world.hardware.model_copy(update={"gpus": GPUS[:1]})
    await site.want(desired(profile=DEMANDING, status="active"))
    await site.command("reimage")
    view = await site.tend()
    assert "SXM2 held H100, serial G2 before" in view.status.reason
    assert view.status.inventory == (await site.view()).stored.inventory
    assert HardwareReport.decode(await site.evidence.get(view.status.inventory)).gpus == GPUS


async def test_a_profile_that_demands_nothing_has_its_machine_read_once_and_never_waits_for_it() -> None:
    site = site_with((), PROFILE)
    await site.want()
    assert (await site.until_settled()).status.state is NodeState.IN_SERVICE
    await site.want(desired(status="active"))
    await site.command("reimage")
    await site.tend()
    await site.command("approve")
    assert (await site.until_settled()).status.workflow == "reimage"
    assert site.world.surveys == 1


async def test_a_bmc_that_can_not_tell_holds_up_only_a_profile_that_demands_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(self: object) -> HardwareReport:
        raise Unreachable("no answer to the survey")

    monkeypatch.setattr("tests.fakes.world.WorldBmc.survey", silent)
    site = site_with((), PROFILE)
    await site.want()
    view = await site.until_settled()
    assert (view.status.state, view.status.inventory) == (NodeState.IN_SERVICE, "")
    site = site_with(GPUS)
    await site.want()
    view = await site.until_settled(hours=1)
    assert (view.status.state, view.status.step) == (NodeState.PARKED, "inspect")
    assert "no answer to the survey" in view.status.reason


async def test_an_adoption_takes_the_machine_as_it_is_and_says_what_is_missing() -> None:
    site = site_with(GPUS[:1], status="active")
    site.settings = SiteSettings(site="lab", mode=Mode.OBSERVE)
    await site.want()
    await site.command("adopt")
    view = await site.tend()
    assert view.status.state is NodeState.IN_SERVICE
    result = view.state.result("inspect")
    assert isinstance(result, dict)
    assert str(result["lacks"]).startswith("['1 of 2 GPUs")
