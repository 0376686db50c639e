"""By which way a machine is sent to the network, and by which next when it doesn't come: one table.

UEFI HTTP boot needs no TFTP and no option ROM; PXE is known to every firmware; virtual media asks nothing of the firmware's
own network, only of the BMC's. The first that the BMC offers and the sku allows is taken, and each time that the machine
never came to the boot service in time, the one after it; after the last, the first again (``deploy`` has as many tries as
there are ways). Virtual media needs an image (``boot_media`` in the site's settings: any iPXE image that asks DHCP), so
without one it is no way. ``set_boot`` and ``deploy`` write into the journal which way they took.
"""

from workflows.engine.ports import BmcFacts, BootTarget
from workflows.engine.step import Context
from workflows.model.errors import Transient, Unsupported
from workflows.model.grant import GrantState
from workflows.model.profile import BootWay

ORDER = (BootWay.HTTP, BootWay.PXE, BootWay.MEDIA)


def ways(wanted: tuple[BootWay, ...], offered: tuple[BootWay, ...], media: str) -> tuple[BootWay, ...]:
    """Those of the sku that this BMC offers, in the sku's order; ``media``: the image for virtual media, if there is one."""
    return tuple(way for way in wanted if way in offered and (media or way is not BootWay.MEDIA))


async def way_now(ctx: Context, facts: BmcFacts) -> tuple[BootWay, BootWay]:
    """The way for this try, and for the next one should the machine not come.

    Raises:
        Unsupported: there is none.
    """
    profile = ctx.desired.profile
    wanted = profile.sku.boot_ways if profile is not None else ORDER
    able = ways(wanted, facts.ways, ctx.settings.boot_media)
    if not able:
        raise Unsupported(
            f"{ctx.desired.label} can't be sent to the network: its BMC offers {', '.join(facts.ways) or 'no way'}, its sku "
            f"allows {', '.join(wanted) or 'none'}{'' if ctx.settings.boot_media else ', and the site has no boot_media'}"
        )
    missed = sum(grant.state is GrantState.CLOSED and grant.refused is None for grant, _ in await ctx.grants.all())
    return able[missed % len(able)], able[(missed + 1) % len(able)]


async def send_by(ctx: Context, way: BootWay) -> None:
    """Ask for one boot by this way."""
    await ctx.bmc.boot(BootTarget.NETWORK_ONCE, way, ctx.settings.boot_media if way is BootWay.MEDIA else "")


def stands(facts: BmcFacts, way: BootWay) -> bool:
    """Whether the BMC shows one boot by this way; one that doesn't show by which is believed."""
    return facts.boot is BootTarget.NETWORK_ONCE and facts.way in (way, None)


async def check_kept(ctx: Context, way: BootWay) -> None:
    """Raises Transient where the BMC doesn't show what was asked for."""
    if not stands(await ctx.bmc.facts(), way):
        raise Transient(f"the BMC did not keep one boot by {way}")
