"""``register``: the last look. The inventory still holds this node, and nobody else turned up for its grant.

Telling the inventory is write-back's.
"""

from datetime import timedelta

from workflows.engine.step import Context, Done, Retry, Verified
from workflows.model.desired import Intent
from workflows.model.errors import NeedsHuman
from workflows.model.record import Json
from workflows.steps.reading import Reading
from workflows.steps.refusals import check_refusals, seen_refusals


class Register(Reading):
    """A node that was retired or swapped meanwhile, or whose grant two machines claimed, isn't put in service."""

    name, version = "register", 2
    timeout = timedelta(minutes=10)
    retry = Retry(attempts=10, pause=timedelta(seconds=20))

    async def baseline(self, ctx: Context) -> Json:
        """The refusals that a person knows of."""
        deployed = ctx.state.result("deploy")
        known = int(str(deployed["refusals"])) if isinstance(deployed, dict) else 0
        return {"refusals": await seen_refusals(ctx, known)}

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Still served, still the same serial, no claimant that nobody has seen."""
        assert isinstance(base, dict)
        await check_refusals(ctx, int(str(base["refusals"])))
        now = await ctx.inventory.read(ctx.run.node)
        if now is None or now.intent is not Intent.SERVE or now.serial != ctx.desired.serial:
            raise NeedsHuman(
                f"{ctx.desired.label} is proven, but the inventory asks for it no more "
                f"({now.status if now else 'it is gone'}): decide there, then retry or cancel"
            )
        return Done()
