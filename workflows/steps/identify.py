"""``identify``: the machine behind the BMC is the one that the inventory names. Reads only."""

from datetime import timedelta

from workflows.engine.step import Context, Done, Retry, Verified, check_identity
from workflows.model.record import Json
from workflows.steps.reading import Reading


class Identify(Reading):
    """Read serial, UUID and power; another machine parks the run before anything is touched."""

    name, version = "identify", 1
    timeout = timedelta(minutes=2)
    retry = Retry(attempts=5, pause=timedelta(seconds=10))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Serial and UUID match the inventory."""
        facts = await ctx.bmc.facts()
        check_identity(ctx.desired, facts.serial, facts.uuid)
        return Done(
            {
                "serial": facts.serial,
                "uuid": facts.uuid,
                "vendor": facts.vendor,
                "model": facts.model,
                "power": facts.power.value,
            }
        )
