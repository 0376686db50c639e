"""``drain``: the scheduler gives the node no new work. What runs there is not touched; ``confirm_idle`` waits for it.

The first step that takes something from the node's users, so it is the one that waits for approval. The drain carries the
run's id as its reason: ours to take back. A node that somebody else closed is left closed, with that person's reason.
"""

from datetime import timedelta

from workflows.engine.second_look import drain_reason
from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.errors import NeedsHuman, Transient
from workflows.model.record import Json

_LOOK_AGAIN = timedelta(minutes=2)


class Drain:
    """Closes the node; asks what can run elsewhere to move, again at each look."""

    name, version = "drain", 1
    timeout = timedelta(days=1)
    retry = Retry(attempts=12, pause=timedelta(minutes=5))
    destructive = False
    needs_approval = True

    async def baseline(self, ctx: Context) -> Json:
        """Nothing: whose drain it is, the scheduler itself says at each look."""
        return None

    async def apply(self, ctx: Context, base: Json) -> None:
        """Close it."""
        if ctx.scheduler is not None:
            await ctx.scheduler.drain(ctx.desired, drain_reason(ctx))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Closed, and nothing left that could move. A forced run goes on where the scheduler can't be asked."""
        if ctx.scheduler is None:
            return Done({"closed": "no scheduler"})
        try:
            duty = await ctx.scheduler.duty(ctx.desired)
        except Transient as error:
            if not ctx.run.force:
                raise
            return Done({"closed": f"forced: {error}"})
        if duty is None and ctx.run.force:
            return Done({"closed": "forced: the scheduler doesn't know it"})
        if duty is None:
            raise NeedsHuman(
                f"the scheduler knows no node {ctx.desired.label}, so nobody can say whether jobs run there: name it as the "
                "scheduler does and retry, or cancel and ask for it with force, which a second person has to approve"
            )
        if duty.open:
            return NotYet(f"the scheduler still gives new work to {ctx.desired.label}", act_again=True)
        if duty.moving and not ctx.run.force:
            return NotYet(
                f"{', '.join(duty.moving[:3])} shall run elsewhere",
                _LOOK_AGAIN,
                "bringup asks for it again; a disruption budget may hold it back",
                act_again=True,
            )
        return Done({"closed": duty.reason})
