"""``check_baseline``: every BIOS attribute and firmware version of the profile, read back. Reads only."""

from datetime import timedelta

from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.baseline import knows, outdated, wrong_settings
from workflows.model.errors import Unreachable
from workflows.model.record import Json
from workflows.steps.reading import Reading


class CheckBaseline(Reading):
    """POST with new firmware takes its time, and some boards go through it twice."""

    name, version = "check_baseline", 1
    timeout = timedelta(minutes=60)
    retry = Retry(attempts=2)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """All of it holds."""
        profile = ctx.desired.profile
        assert profile is not None
        try:
            have = await ctx.bmc.firmware() if profile.sku.firmware else ()
            bios = await ctx.bmc.bios() if profile.sku.bios else None
        except Unreachable as error:
            return NotYet(f"waiting for the BMC: {error}", timedelta(seconds=30))
        wrong = [f"BIOS {name}" for name in wrong_settings(bios.attributes if bios else {}, profile.sku.bios)]
        for rule in profile.sku.firmware:
            wrong += [f"firmware {f.name} {f.version}" for f in outdated(have, rule)]
            wrong += [] if knows(have, rule) else [f"firmware {rule.component} (not shown)"]
        if wrong:
            return NotYet(f"not as the baseline says yet: {', '.join(wrong[:8])}", timedelta(seconds=15))
        return Done({"firmware": {f.name: f.version for r in profile.sku.firmware for f in have if knows([f], r)}})
