"""``settle``: the end of every run: grant closed, boot from disk, BMC session out. Releases, and never "un-wipes".

A run that a person ended before its wipe grant leaves the node as it found it: on, if it was on, and given back to work.
A run that failed, or was ended later, leaves it drained: nobody knows what is on its disk.

A grant that is *taken* belongs to a machine that may be writing: settle waits for its report, and asks a person when the
grant's deadline has passed. The person's ``retry`` says that the machine was looked at; only then the run ends without it.
"""

from datetime import timedelta

from workflows.engine.grants import grant_key
from workflows.engine.ports import BmcFacts, BootTarget, Power
from workflows.engine.second_look import drain_reason
from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import BringupError, Fenced, Transient
from workflows.model.grant import Grant, GrantState
from workflows.model.journal import Kind, came_to, ended_gently
from workflows.model.record import Json

_LOOK_AGAIN = timedelta(minutes=5)


class Settle:
    """Not a step of a list: the runner drives it when the list is over, whatever the outcome."""

    name, version = "settle", 1
    timeout = timedelta(minutes=10)
    retry = Retry(attempts=3)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Nothing is kept."""
        return None

    async def apply(self, ctx: Context, base: Json) -> None:
        """Close what is open; take back a network boot that was never used."""
        for grant, _ in await ctx.grants.all():
            left = await ctx.grants.close(grant.attempt, "the run is over")
            if left is GrantState.TAKEN and _given_up(ctx, grant):
                await ctx.grants.give_back_slot(grant.attempt)
        if await _network_boot_left(ctx):
            await ctx.bmc.boot(BootTarget.DISK, media=ctx.settings.boot_media)
        if await _off_by_us(ctx):
            await ctx.bmc.power(Power.ON)
        if ctx.scheduler is not None and ended_gently(ctx.run, ctx.state):
            await ctx.scheduler.resume(ctx.desired, drain_reason(ctx))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """No grant of this run is open or taken, and no network boot that it set is left."""
        grants = [grant for grant, _ in await ctx.grants.all()]
        for grant in grants:
            if grant.state is GrantState.OPEN:
                return NotYet("a grant is still open")
            if grant.state is not GrantState.TAKEN and await ctx.grants.holds_slot(grant.attempt):
                return NotYet("a grant that has ended still holds a slot of the cap")
            if grant.state is GrantState.TAKEN and grant is grants[-1]:  # an older one's machine was off (see deploy)
                if _given_up(ctx, grant):
                    if await ctx.grants.holds_slot(grant.attempt):
                        return NotYet("a grant that was given up still holds a slot of the cap")
                    continue
                if ctx.clock.now() > grant.deadline:
                    return Broken(
                        f"{ctx.desired.label} took its grant and never reported; its disk may be half written"
                    )
                return NotYet(
                    "the machine is writing its disk, which nobody may interrupt",
                    _LOOK_AGAIN,
                    "it ends with the machine's report",
                    grant_key(ctx.run.node, ctx.run.cause, grant.attempt),
                )
        if await _network_boot_left(ctx):
            return NotYet("a network boot is still set at the BMC")
        if await _off_by_us(ctx):
            return NotYet("the machine that was switched off for the run is not on yet")
        return await _given_back(ctx)


def _given_up(ctx: Context, grant: Grant) -> bool:
    """Whether a person went on after the grant's deadline had passed without a report."""
    last = ctx.state.last
    return ctx.clock.now() > grant.deadline and last is not None and last.kind is Kind.RESUMED


async def _network_boot_left(ctx: Context) -> bool:
    """Whether this run's network boot is still set. A BMC out of reach holds up no end: without a grant it boots locally."""
    if not came_to(ctx.run, ctx.state, "set_boot"):
        return False
    facts = await _facts(ctx)
    return facts is not None and facts.boot is BootTarget.NETWORK_ONCE


async def _off_by_us(ctx: Context) -> bool:
    """Whether a machine that was on, and that this run did not wipe, is off because of us."""
    if not (ended_gently(ctx.run, ctx.state) and _switches_off(ctx)):
        return False
    found = ctx.state.result("identify")
    if not isinstance(found, dict) or found["power"] != Power.ON.value:
        return False
    facts = await _facts(ctx)
    return facts is not None and facts.power is Power.OFF


def _switches_off(ctx: Context) -> bool:
    return any(came_to(ctx.run, ctx.state, step) for step in ("power_off", "apply_off"))


async def _facts(ctx: Context) -> BmcFacts | None:
    try:
        return await ctx.bmc.facts()
    except Fenced:
        raise
    except BringupError as error:
        ctx.log(f"settle: the BMC could not be read: {error}")
        return None


async def _given_back(ctx: Context) -> Verified:
    """Whether a drain of this run that nothing was destroyed under has been taken back."""
    if ctx.scheduler is None or not ended_gently(ctx.run, ctx.state):
        return Done()
    try:
        duty = await ctx.scheduler.duty(ctx.desired)
    except Transient as error:
        return NotYet(f"{ctx.desired.label} may still be drained: {error}", _LOOK_AGAIN)
    if duty is not None and not duty.open and duty.reason == drain_reason(ctx):
        return NotYet(f"{ctx.desired.label} is still drained: {duty.reason}")
    return Done()
