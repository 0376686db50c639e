"""``set_boot``: the next boot is from the network, once, and the BMC has kept that."""

from datetime import timedelta

from workflows.engine.ports import BootTarget
from workflows.engine.step import Context, Done, NotYet, Retry, Rung, Verified
from workflows.model.record import Json


class SetBoot:
    """BMCs that answer OK and keep nothing are caught by the read-back."""

    name, version = "set_boot", 1
    timeout = timedelta(minutes=2)
    retry = Retry.climbing(Rung.AGAIN, Rung.RESET, Rung.AGAIN, Rung.AGAIN)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """The override before."""
        boot = (await ctx.bmc.facts()).boot
        return {"boot": boot.value if boot else None}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Ask for one network boot."""
        await ctx.bmc.boot(BootTarget.NETWORK_ONCE)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The override stands."""
        boot = (await ctx.bmc.facts()).boot
        if boot is BootTarget.NETWORK_ONCE:
            return Done()
        return NotYet(f"the BMC shows boot override {boot}, not one network boot")
