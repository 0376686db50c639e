"""``power_off``: the machine is off, by the BMC's own word."""

from datetime import timedelta

from workflows.engine.ports import Power
from workflows.engine.step import Context, Done, NotYet, Retry, Rung, Verified
from workflows.model.record import Json


class PowerOff:
    """The first step that disturbs the machine, so it is the one that waits for approval where one is needed."""

    name, version = "power_off", 1
    timeout = timedelta(minutes=3)
    retry = Retry.climbing(Rung.AGAIN, Rung.RESET, Rung.AGAIN, Rung.AGAIN)
    destructive = True
    needs_approval = True

    async def baseline(self, ctx: Context) -> Json:
        """How the machine stood before."""
        return {"power": (await ctx.bmc.facts()).power.value}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Ask for off."""
        await ctx.bmc.power(Power.OFF)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Off."""
        power = (await ctx.bmc.facts()).power
        return Done() if power is Power.OFF else NotYet(f"waiting for power off, the BMC says {power}")
