"""A site brought to each standing that a verb may find it in, by what brings it there on a real one."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.workflows.fleet import NOBODY
from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.engine.ports import Power
from workflows.engine.standing import Standing
from workflows.model.campaign import Member, id_of_edit
from workflows.model.desired import Edit
from workflows.model.settings import Mode, SiteSettings
from workflows.model.verdict import Verdict


async def _new() -> Site:
    site = Site()
    await site.want()
    return site


async def _well() -> Site:
    site = await _new()
    await site.tend()
    await site.want(desired(status="active"))
    await site.tend()
    return site


async def _badly() -> Site:
    site = Site()
    site.world.verdict = Verdict.FAIL
    await site.want()
    await site.tend()
    site.world.verdict = Verdict.PASS
    return site


async def _listed() -> Site:
    edit = Edit(request="7f1a", person="ann", nodes=2)
    site = Site(wish=desired(edit=edit))
    members = [Member(node=f"lab.nb-{n}", label=f"gpu-00{n}", wave=n - 1, cause="g1", content="0" * 64) for n in (1, 2)]
    campaign = NOBODY.model_copy(update={"id": id_of_edit(edit.request), "members": tuple(members)})
    await site.store.put(campaign.key, campaign.encode(), expect=0)
    await site.want()
    await site.tend()
    return site


async def _asked() -> Site:
    site = await _well()
    await site.command("reimage")
    return site


async def _working() -> Site:
    """The machine writes its disk and says nothing until its test lets it."""
    site = Site()
    site.world.reports = False
    await site.want()
    await site.tend()
    return site


async def _full() -> Site:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.AUTOMATIC, new_per_hour=0))
    await site.want()
    await site.tend()
    return site


async def _approval() -> Site:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED))
    await site.want()
    await site.tend()
    return site


async def _fault() -> Site:
    site = Site()
    site.world.serial = "SOMEBODY-ELSE"
    await site.want()
    await site.tend()
    site.world.serial = "SN1"
    return site


async def _held() -> Site:
    site = await _working()
    await site.command("hold")
    await site.tend()
    return site


async def _ending() -> Site:
    site = await _working()
    await site.command("cancel")
    await site.tend()
    return site


async def _unreleased() -> Site:
    site = await _ending()
    site.world.power = Power.ON
    await site.clock.advance(timedelta(hours=2))
    await site.tend()
    return site


STANDINGS: dict[Standing, Callable[[], Awaitable[Site]]] = {
    Standing.NEW: _new,
    Standing.WELL: _well,
    Standing.BADLY: _badly,
    Standing.LISTED: _listed,
    Standing.ASKED: _asked,
    Standing.WORKING: _working,
    Standing.FULL: _full,
    Standing.APPROVAL: _approval,
    Standing.FAULT: _fault,
    Standing.HELD: _held,
    Standing.ENDING: _ending,
    Standing.UNRELEASED: _unreleased,
}
