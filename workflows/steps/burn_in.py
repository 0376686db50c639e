"""``burn_in``: the node is accepted only on evidence. Probes collect on the node, readers and judges decide here.

Where nothing but the configuration is at fault, the roles run once more and the node is judged again; the node itself
carries the mark that they did. Any other fault ends the run at once: hardware is never tried until it passes
(``workflows/model/actions.py``).
"""

import hashlib
from datetime import timedelta

from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.actions import decide
from workflows.model.errors import Refused, Unreachable
from workflows.model.level import TIMES, Level, level_named
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport
from workflows.steps.configure import run_roles

_PATIENCE = timedelta(seconds=15)
_MARK = "/etc/bringup/reconfigured"


class BurnIn:
    """Judging twice is harmless, so ``verify`` does it; each report is kept as evidence, good or bad."""

    name, version = "burn_in", 3
    timeout = timedelta(hours=3)
    retry = Retry(attempts=2)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Nothing is changed before it was judged, so nothing is kept."""
        return None

    async def apply(self, ctx: Context, base: Json) -> None:
        """Look again; where the configuration alone is at fault and the roles have not run for that yet, run them."""
        try:
            report = await self._judge(ctx)
        except Unreachable:
            return  # nothing is known of the node, so nothing is done to it
        if decide(report).rule.roles_once and not await _reconfigured(ctx):
            await run_roles(ctx, self.name, self.timeout / 2)
            command = ("sh", "-c", f"mkdir -p /etc/bringup && printf %s {_mark(ctx)} > {_MARK}")
            await ctx.ansible.shell(ctx.host(), command, timeout=_PATIENCE)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Every required check passed, by raw output that is kept."""
        try:
            report = await self._judge(ctx)
        except Unreachable as error:
            return NotYet(f"the probes could not run: {error}", timedelta(seconds=10))
        kept = await ctx.evidence.put(report.encode())
        if report.accepted:
            return Done({"report": kept, "checks": len(report.checks)})
        decision = decide(report)
        if decision.rule.roles_once and not await _reconfigured(ctx):
            return NotYet(f"{failures('burn-in', report)} (report {kept})", next_action=decision.words, act_again=True)
        return Broken(f"{failures('burn-in', report)}; {decision.words} (report {kept})")

    async def _judge(self, ctx: Context) -> BurnInReport:
        profile = ctx.desired.profile
        level = (level_named(profile.sku.burn_in_level) if profile is not None else None) or Level.GATE
        parameters: dict[str, Json] = {
            "level": level,
            "deadline_s": TIMES[level].probe.total_seconds(),
            "mounts": [m.model_dump(mode="json") for m in ctx.desired.mounts],
        }
        probes, time = ctx.judge.probes(ctx.desired), TIMES[level].whole
        bundles = await ctx.ansible.collect(
            ctx.host(), probes, parameters, run=ctx.run.id, step=self.name, timeout=time
        )
        return await ctx.judge.judge(ctx.desired, bundles)


async def _reconfigured(ctx: Context) -> bool:
    """Whether the roles have run again for this run, by the mark on the node."""
    try:
        return (await ctx.ansible.shell(ctx.host(), ("cat", _MARK), timeout=_PATIENCE)).strip() == _mark(ctx)
    except Refused:
        return False


def _mark(ctx: Context) -> str:
    return hashlib.sha256(f"{ctx.run.id}|{ctx.run.digest()}|reconfigured".encode()).hexdigest()


def failures(what: str, report: BurnInReport) -> str:
    """The first failures of a report in one line, for the run's reason."""
    named = "; ".join(f"{c.id} {c.entity}: {c.verdict} {c.message}".strip() for c in report.failures[:3])
    more = len(report.failures) - 3
    return f"{what}: {named or 'no check ran'}{f' and {more} more' if more > 0 else ''}"
