"""``register``: the inventory still holds this node, so that its outcome has a place to be told. Writing is write-back's."""

from datetime import timedelta

from workflows.engine.step import Context, Done, Retry, Verified
from workflows.model.desired import Intent
from workflows.model.errors import NeedsHuman
from workflows.model.record import Json
from workflows.steps.reading import Reading


class Register(Reading):
    """The last look: a node that was retired or swapped meanwhile isn't put in service."""

    name, version = "register", 1
    timeout = timedelta(minutes=10)
    retry = Retry(attempts=10, pause=timedelta(seconds=20))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Still served, still the same serial."""
        now = await ctx.inventory.read(ctx.run.node)
        if now is None or now.intent is not Intent.SERVE or now.serial != ctx.desired.serial:
            raise NeedsHuman(
                f"{ctx.desired.label} is proven, but the inventory asks for it no more "
                f"({now.status if now else 'it is gone'}): decide there, then retry or cancel"
            )
        return Done()
