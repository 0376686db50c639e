"""``reboot``: the proof that the disk boots by itself: one power-off and -on by the BMC with no override set (failure 19).

It is also the roles' reboot. Proven by a new boot id, the system that this grant wrote, and no script but
*local* served to the machine meanwhile.
"""

from datetime import timedelta

from workflows.engine.ports import BootTarget, Power
from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import Refused, Unreachable
from workflows.model.record import Json
from workflows.model.served import Script, Served
from workflows.steps.installed import read_installed
from workflows.steps.off import switch_off

_SYNC = timedelta(seconds=30)


class Reboot:
    """Off, verify off, boot from disk, on. Each is absolute, so a crash in between only repeats what is missing."""

    name, version = "reboot", 2
    timeout = timedelta(minutes=45)
    retry = Retry(attempts=2)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """The boot that runs now, and what the boot service has served so far.

        A node that doesn't answer may have been switched off by an earlier try of this step: the boot to be followed by
        another is the one that ``reach`` saw.
        """
        try:
            boot_id = (await read_installed(ctx)).boot_id
        except Unreachable:
            boot_id = str(ctx.result("reach")["boot_id"])
        return {"boot_id": boot_id, "served": (await _served(ctx)).agent_scripts}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Power off (file systems synced first where the node answers), wait until it is off, power on from disk."""
        if (await ctx.bmc.facts()).power is not Power.OFF:
            try:
                await ctx.ansible.shell(ctx.host(), ("sync",), timeout=_SYNC)
            except (Unreachable, Refused) as error:
                ctx.log(f"sync before power-off: {error}")
            await switch_off(ctx)
        await ctx.bmc.boot(BootTarget.DISK, media=ctx.settings.boot_media)
        await ctx.bmc.power(Power.ON)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """A new boot of the disk that this grant wrote, without help from the network."""
        assert isinstance(base, dict)
        if (await _served(ctx)).agent_scripts != base["served"]:
            return Broken(f"{ctx.desired.label} booted the network again and was served the agent's script")
        try:
            installed = await read_installed(ctx)
        except Unreachable as error:
            return NotYet(f"waiting for the node to come back from its own disk: {error}", timedelta(seconds=3))
        if installed.boot_id == base["boot_id"]:
            return NotYet("the node still runs the boot before")
        return installed.judged(ctx) or Done({"boot_id": installed.boot_id})


async def _served(ctx: Context) -> Served:
    value = await ctx.store.get(f"served.{ctx.run.node}")
    return Served.decode(value.data) if value.data is not None else Served(node=ctx.run.node, script=Script.LOCAL)
