"""``apply_off`` and ``apply_on``: one power cycle for all that ``firmware`` and ``bios`` left waiting, if anything does."""

from workflows.engine.step import Context, Done, Verified
from workflows.model.record import Json
from workflows.steps.power_off import PowerOff
from workflows.steps.power_on import PowerOn


class ApplyOff(PowerOff):
    """Off, if something waits for it."""

    name = "apply_off"

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Off, or nothing waits."""
        return await super().verify(ctx, base) if something_waits(ctx) else Done({"needed": False})


class ApplyOn(PowerOn):
    """On again, if it was switched off for that."""

    name = "apply_on"

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """On, or nothing waits."""
        return await super().verify(ctx, base) if something_waits(ctx) else Done({"needed": False})


def something_waits(ctx: Context) -> bool:
    """Whether a step of this run left something that the next power cycle brings into force."""
    kept = [result for name, result in ctx.state.results if name in ("firmware", "bios")]
    return any(isinstance(result, dict) and result.get("waits") is True for result in kept)
