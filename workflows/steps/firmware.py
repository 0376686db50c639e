"""``firmware``: the next firmware of the baseline that differs is updated, once, and its update has ended.

Theory of operation. The step stands in a run once for each firmware that the profile names, in the profile's order, which is
the vendor's (BMC, BIOS, NIC, GPU baseboard). Its baseline is the tasks that the BMC knew before; whatever task comes after
that is this step's update. So a worker that was killed between the image and the journal is followed by one that finds the
task and waits for it, and an answer that was lost changes nothing. The baseline of the first try holds for all tries, until
a person says *retry*: nothing is flashed twice because we forgot.

An update that ended and whose version doesn't show yet is activated by the next power cycle, which ``apply_off`` and
``apply_on`` do once for all. One that failed asks a person. A BMC that restarts itself meanwhile is waited for.
"""

from dataclasses import dataclass
from datetime import timedelta

from workflows.engine.ports import FirmwareImage, TaskFacts
from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.baseline import knows, outdated
from workflows.model.errors import Busy, NeedsHuman, Refused, Transient, Unreachable
from workflows.model.profile import FirmwareRule
from workflows.model.record import Json

#: How soon the BMC shows a task for an image that it took.
_SHOWS = timedelta(minutes=5)
_AGAIN = timedelta(seconds=10)


class UpdateFirmware:
    """One firmware. Disruptive: the machine is idle and approved, the inventory is asked again."""

    name, version = "firmware", 1
    timeout = timedelta(hours=2)
    retry = Retry(attempts=30, pause=timedelta(minutes=1))
    destructive = needs_approval = True

    async def baseline(self, ctx: Context) -> Json:
        """Which one, and the tasks that were there before it; nothing where all are as they should be."""
        first = ctx.state.first_baseline
        if isinstance(first, dict):
            return first
        have = await ctx.bmc.firmware()
        done = {r["component"] for n, r in ctx.state.results if n == self.name and isinstance(r, dict)}
        for rule in _rules(ctx):
            if not knows(have, rule):
                raise Refused(f"the BMC of {ctx.desired.label} shows no firmware {rule.component}: correct the sku")
            if rule.component not in done and outdated(have, rule):
                return {"component": rule.component, "before": [t.path for t in await ctx.bmc.tasks()]}
        return {"component": None, "before": []}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Hand the image over, unless its task is there."""
        wanted = _parsed(ctx, base)
        if wanted.rule is None or await _task(ctx, wanted):
            return
        rule = wanted.rule
        paths = [f.path for f in outdated(await ctx.bmc.firmware(), rule) if f.path]
        try:
            await ctx.bmc.flash(paths, FirmwareImage(url=rule.image, sha256=rule.sha256))
        except Busy:
            raise
        except Unreachable as error:  # it may have been taken: the task says so, and nothing else
            ctx.log(f"firmware {rule.component}: {error}")

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The version shows, or its task has ended well and it waits for a power cycle."""
        wanted = _parsed(ctx, base)
        if wanted.rule is None:
            return Done({"component": None})
        rule, label = wanted.rule, f"firmware {wanted.rule.component} of {ctx.desired.label}"
        try:
            have = await ctx.bmc.firmware()
            task = await _task(ctx, wanted)
        except Unreachable as error:
            return NotYet(f"{label} is being updated, and the BMC is silent: {error}", timedelta(seconds=30))
        if knows(have, rule) and not outdated(have, rule):
            return Done({"component": rule.component, "waits": False})
        if task is None:
            if ctx.clock.now() > ctx.started + _SHOWS:
                raise Transient(
                    f"the BMC shows no task for {label} {_SHOWS.seconds // 60} minutes after it took the image"
                )
            return NotYet(f"{label} is to be updated to {rule.version}", _AGAIN)
        if task.failed:
            raise NeedsHuman(f"the update of {label} to {rule.version} failed: {task.text or task.state}")
        if task.ended:
            return Done({"component": rule.component, "waits": True})
        return NotYet(f"{label} is being updated to {rule.version}: {task.percent} %", _AGAIN)


@dataclass(frozen=True, slots=True)
class _Wanted:
    rule: FirmwareRule | None
    before: frozenset[str]


def _rules(ctx: Context) -> tuple[FirmwareRule, ...]:
    return ctx.desired.profile.sku.firmware if ctx.desired.profile is not None else ()


def _parsed(ctx: Context, base: Json) -> _Wanted:
    assert isinstance(base, dict)
    before = base["before"]
    rule = next((r for r in _rules(ctx) if r.component == base["component"]), None)
    return _Wanted(rule, frozenset(map(str, before if isinstance(before, list) else ())))


async def _task(ctx: Context, wanted: _Wanted) -> TaskFacts | None:
    """The update's task: the newest that wasn't there before."""
    return next((t for t in reversed(await ctx.bmc.tasks()) if t.path not in wanted.before), None)
