"""``set_boot``: the next boot is from the network, once, by the first way of the table, and the BMC has kept that."""

from datetime import timedelta

from workflows.engine.boot_way import send_by, stands, way_now
from workflows.engine.step import Context, Done, NotYet, Retry, Rung, Verified
from workflows.model.profile import BootWay
from workflows.model.record import Json


class SetBoot:
    """BMCs that answer OK and keep nothing are caught by the read-back."""

    name, version = "set_boot", 2
    timeout = timedelta(minutes=2)
    retry = Retry.climbing(Rung.AGAIN, Rung.RESET, Rung.AGAIN, Rung.AGAIN)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """The override before, and the way that is taken."""
        facts = await ctx.bmc.facts()
        way, _ = await way_now(ctx, facts)
        return {"boot": facts.boot.value if facts.boot else None, "way": way.value}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Ask for one network boot."""
        await send_by(ctx, _way(base))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The override stands."""
        way, facts = _way(base), await ctx.bmc.facts()
        if stands(facts, way):
            return Done({"way": way.value})
        return NotYet(f"the BMC shows boot override {facts.way or facts.boot}, not one boot by {way}")


def _way(base: Json) -> BootWay:
    assert isinstance(base, dict)
    return BootWay(str(base["way"]))
