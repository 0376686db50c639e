"""Machines that the boot service turned away from a grant of this run: the run goes on only by a person's word.

A token travels over plain HTTP, so a neighbour on the provisioning network can win the race for it (failure 23). Then the
grant is contested: whichever of the two reported may be the neighbour. A person who retries says that it was looked at; what
was refused by then counts as seen, anything after it asks again.
"""

from workflows.engine.step import Context
from workflows.model.errors import NeedsHuman
from workflows.model.journal import Kind


async def seen_refusals(ctx: Context, before: int = 0) -> int:
    """How many refusals a person knows of: all of them where one just let the run go on, else those known before."""
    last = ctx.state.last
    return await _count(ctx) if last is not None and last.kind is Kind.RESUMED else before


async def check_refusals(ctx: Context, seen: int) -> None:
    """Ask a person about a refusal that nobody has seen yet.

    Raises:
        NeedsHuman: there is one; the message is what the machine was told.
    """
    if await _count(ctx) <= seen:
        return
    refusals = [grant.refused for grant, _ in await ctx.grants.all() if grant.refused is not None]
    newest = max(refusals, key=lambda refusal: refusal.at)
    raise NeedsHuman(f"{ctx.desired.label}: a machine at {newest.address} asked for its grant: {newest.message}")


async def _count(ctx: Context) -> int:
    return sum(grant.refusals for grant, _ in await ctx.grants.all())
