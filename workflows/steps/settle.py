"""``settle``: the end of every run: grant closed, boot from disk, BMC session out. Releases, and never "un-wipes".

A grant that is *taken* belongs to a machine that may be writing: settle waits for its report, and asks a person when the
grant's deadline has passed. The person's ``retry`` says that the machine was looked at; only then the run ends without it.
"""

from datetime import timedelta

from workflows.engine.grants import grant_key
from workflows.engine.ports import BootTarget
from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import BringupError, Fenced
from workflows.model.grant import Grant, GrantState
from workflows.model.journal import Kind
from workflows.model.record import Json

SET_BOOT = "set_boot"


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
            await ctx.bmc.boot(BootTarget.DISK)

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
                    timedelta(minutes=5),
                    "it ends with the machine's report",
                    grant_key(ctx.run.node, ctx.run.cause, grant.attempt),
                )
        return NotYet("a network boot is still set at the BMC") if await _network_boot_left(ctx) else Done()


def _given_up(ctx: Context, grant: Grant) -> bool:
    """Whether a person went on after the grant's deadline had passed without a report."""
    last = ctx.state.last
    return ctx.clock.now() > grant.deadline and last is not None and last.kind is Kind.RESUMED


async def _network_boot_left(ctx: Context) -> bool:
    """Whether this run's network boot is still set. A BMC out of reach holds up no end: without a grant it boots locally."""
    came_there = any(step.name == SET_BOOT for step in ctx.run.steps[: ctx.state.step + 1])
    if not came_there:
        return False
    try:
        return (await ctx.bmc.facts()).boot is BootTarget.NETWORK_ONCE
    except Fenced:
        raise
    except BringupError as error:
        ctx.log(f"settle: the boot override could not be read: {error}")
        return False
