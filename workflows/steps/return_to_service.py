"""``return_to_service``: the scheduler hears from the proven node, and may give it work again.

Only a drain of ours is taken back, this run's or one that an earlier run of this node left because it failed. A node that a
person closed stays closed: that is told in the step's result.
"""

from datetime import timedelta

from workflows.engine.second_look import closed_by_us
from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.record import Json


class ReturnToService:
    """The last step of a workflow that drained."""

    name, version = "return_to_service", 1
    timeout = timedelta(minutes=30)
    retry = Retry(attempts=3, pause=timedelta(minutes=5))
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Nothing: whose drain it is, the scheduler itself says at each look."""
        return None

    async def apply(self, ctx: Context, base: Json) -> None:
        """Take our drain back."""
        if ctx.scheduler is None:
            return
        duty = await ctx.scheduler.duty(ctx.desired)
        if duty is not None and not duty.open and closed_by_us(ctx, duty.reason):
            await ctx.scheduler.resume(ctx.desired, duty.reason)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Open, or closed by somebody else; and the scheduler hears from it."""
        if ctx.scheduler is None:
            return Done({"opened": "no scheduler"})
        duty = await ctx.scheduler.duty(ctx.desired)
        if duty is None:
            return Done({"opened": "the scheduler doesn't know it"})
        if not duty.open and closed_by_us(ctx, duty.reason):
            return NotYet(f"{ctx.desired.label} is still drained: {duty.reason}")
        if not duty.present:
            return NotYet(f"the scheduler hears nothing from {ctx.desired.label}", timedelta(seconds=10))
        return Done({"opened": "yes" if duty.open else f"no, somebody closed it: {duty.reason}"})
