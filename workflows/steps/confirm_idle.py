"""``confirm_idle``: no job runs on the node. Reads only: a job ends by itself, or a person ends it; never bringup.

It is asked once more right before each act that stops or wipes the machine (``workflows/engine/second_look.py``).
"""

from datetime import timedelta

from workflows.engine.second_look import Hindrance, occupied
from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.errors import NeedsHuman
from workflows.model.record import Json
from workflows.steps.reading import Reading

_SOONEST, _LATEST = timedelta(minutes=2), timedelta(minutes=30)


class ConfirmIdle(Reading):
    """Waits for jobs as long as the site allows (``jobs_may_run_hours``), with pauses that grow with the wait."""

    name, version = "confirm_idle", 1
    timeout = timedelta(days=365)
    retry = Retry(attempts=12, pause=timedelta(minutes=5))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Idle, by the scheduler's word; or nobody has a scheduler to ask."""
        found = await occupied(ctx)
        if found is None:
            return Done({"asked": ctx.scheduler is not None and not ctx.run.force})
        if found.hindrance is Hindrance.STRANGE:
            raise NeedsHuman(f"{found.reason}: {found.next_action}")
        waited = ctx.clock.now() - (ctx.state.first_intent_at or ctx.started)
        patience = timedelta(hours=ctx.settings.jobs_may_run_hours)
        if waited >= patience:
            raise NeedsHuman(f"{found.reason} after {ctx.settings.jobs_may_run_hours:g} hours: {found.next_action}")
        return NotYet(
            found.reason, min(max(waited / 10, _SOONEST), _LATEST), "it goes on when they have ended by themselves"
        )
