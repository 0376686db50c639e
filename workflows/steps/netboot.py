"""``netboot``: the wipe grant is open for exactly this machine, so the boot service will serve it this run's script.

Opened before power-on, because the first claimant between our power-on and the deadline spends the token (failure 23).
"""

from datetime import timedelta

from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.grant import GrantState
from workflows.model.record import Json

#: From grant to the machine's first word: POST of a GPU server takes 3–30 minutes (design, Boot and deploy).
GRANT_LIFE = timedelta(minutes=90)


class Netboot:
    """Opens the grant. Destructive: the inventory is asked again right before."""

    name, version = "netboot", 1
    timeout = timedelta(hours=4)
    retry = Retry(attempts=3)
    destructive = True
    needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """The number of this grant: the one that a try before left open (its answer was lost), else one more."""
        grants = await ctx.grants.all()
        left_open = bool(grants) and grants[-1][0].state is GrantState.OPEN
        return {"attempt": len(grants) + (not left_open)}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Open it, if the site's cap has a slot."""
        await ctx.grants.open(_attempt(base), ctx.clock.now() + GRANT_LIFE)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The grant stands in the store."""
        grant = await ctx.grants.get(_attempt(base))
        if grant is None:
            return NotYet(
                f"{ctx.settings.wipes_at_once} wipes are under way at the site, which is its cap",
                check_in=timedelta(minutes=2),
                next_action="it goes on when one of them ends",
                act_again=True,
            )
        return Done({"attempt": grant.attempt, "opened": grant.state is GrantState.OPEN})


def _attempt(base: Json) -> int:
    assert isinstance(base, dict)
    return int(str(base["attempt"]))
