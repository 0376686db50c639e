"""``burn_in``: the node is accepted only on evidence. Probes collect on the node, readers and judges decide here."""

from datetime import timedelta

from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import Unreachable
from workflows.model.record import Json
from workflows.steps.reading import Reading

_PROBING = timedelta(minutes=30)


class BurnIn(Reading):
    """Reading twice is harmless, so ``verify`` does it all; the report is kept as evidence, good or bad."""

    name, version = "burn_in", 1
    timeout = timedelta(hours=1)
    retry = Retry(attempts=2)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Every required check passed, by raw output that is kept."""
        desired = ctx.desired
        parameters: dict[str, Json] = {"mounts": [m.model_dump(mode="json") for m in desired.mounts]}
        try:
            bundles = await ctx.ansible.collect(
                ctx.host(), ctx.judge.probes(desired), parameters, run=ctx.run.id, timeout=_PROBING
            )
        except Unreachable as error:
            return NotYet(f"the probes could not run: {error}", timedelta(seconds=10))
        report = await ctx.judge.judge(desired, bundles)
        kept = await ctx.evidence.put(report.encode())
        if report.accepted:
            return Done({"report": kept, "checks": len(report.checks)})
        failures = "; ".join(f"{c.id} {c.entity}: {c.verdict} {c.message}".strip() for c in report.failures[:3])
        more = len(report.failures) - 3
        return Broken(f"burn-in: {failures or 'no check ran'}{f' and {more} more' if more > 0 else ''} (report {kept})")
