"""``bios``: the attributes of the baseline are set, for the next power cycle. Absolute: done twice it is the same."""

from datetime import timedelta

from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.baseline import wrong_settings
from workflows.model.profile import Setting
from workflows.model.record import Json


class SetBios:
    """Sets what differs; what waits for a boot already is left alone."""

    name, version = "bios", 1
    timeout = timedelta(minutes=10)
    retry = Retry(attempts=5, pause=timedelta(minutes=1))
    destructive = needs_approval = True

    async def baseline(self, ctx: Context) -> Json:
        """What differs, as people read it."""
        facts = await ctx.bmc.bios() if _wanted(ctx) else None
        wrong = wrong_settings(facts.attributes, _wanted(ctx)) if facts is not None else {}
        have = facts.attributes if facts is not None else {}
        return {"changes": [f"{name}: {have.get(name, 'not shown')} → {value}" for name, value in wrong.items()]}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Set them."""
        facts = await ctx.bmc.bios()
        left = wrong_settings(facts.attributes | facts.pending, _wanted(ctx))
        if left:
            await ctx.bmc.set_bios(left)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Each holds, or waits for the next boot."""
        if not _wanted(ctx):
            return Done({"waits": False})
        facts = await ctx.bmc.bios()
        left = wrong_settings(facts.attributes | facts.pending, _wanted(ctx))
        if left:
            return NotYet(f"BIOS attributes are not set yet: {', '.join(sorted(left)[:5])}")
        return Done({"waits": bool(wrong_settings(facts.attributes, _wanted(ctx)))})


def _wanted(ctx: Context) -> dict[str, Setting]:
    return ctx.desired.profile.sku.bios if ctx.desired.profile is not None else {}
