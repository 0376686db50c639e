"""``verify_software``: what runs is exactly what the release names, by what the node itself says. Before the burn-in.

A burn-in on another driver proves nothing of the release, and a Fabric Manager of another version fails it in a way that
looks like broken hardware.
"""

from datetime import timedelta

from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import Unreachable
from workflows.model.record import Json
from workflows.model.software import software_of
from workflows.steps.burn_in import failures
from workflows.steps.reading import Reading

_PROBING = timedelta(minutes=10)


class VerifySoftware(Reading):
    """A release that names no GPU software passes unasked: there is nothing to compare with."""

    name, version = "verify_software", 1
    timeout = timedelta(minutes=30)
    retry = Retry(attempts=2)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Every version is the wanted one; the result says which they are."""
        profile = ctx.desired.profile
        assert profile is not None
        if not ctx.proof.probes(ctx.desired):
            return Done({"software": ""})
        try:
            bundles = await ctx.ansible.collect(
                ctx.host(), ctx.proof.probes(ctx.desired), {}, run=ctx.run.id, step=self.name, timeout=_PROBING
            )
        except Unreachable as error:
            return NotYet(f"the node could not be asked: {error}", timedelta(seconds=10))
        report = await ctx.proof.judge(ctx.desired, bundles)
        kept = await ctx.evidence.put(report.encode())
        if report.accepted:
            return Done({"software": software_of(profile.release).text(), "report": kept})
        return Broken(f"{failures('software', report)} (report {kept})")
