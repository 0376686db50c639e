"""``power_on``: the machine is on, by the BMC's own word."""

from datetime import timedelta

from workflows.engine.ports import Power
from workflows.engine.step import Context, Done, NotYet, Retry, Rung, Verified
from workflows.model.record import Json


class PowerOn:
    """Asks for on; a BMC that says OK and does nothing runs into the deadline and is asked again."""

    name, version = "power_on", 1
    timeout = timedelta(minutes=3)
    retry = Retry.climbing(Rung.AGAIN, Rung.RESET, Rung.AGAIN, Rung.AGAIN)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """How the machine stood before."""
        return {"power": (await ctx.bmc.facts()).power.value}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Ask for on."""
        await ctx.bmc.power(Power.ON)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """On."""
        power = (await ctx.bmc.facts()).power
        return Done() if power is Power.ON else NotYet(f"waiting for power on, the BMC says {power}")
