"""``reach``: the installed system answers over SSH with the host key that the agent made for this grant."""

from datetime import timedelta

from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.errors import Unreachable
from workflows.model.record import Json
from workflows.steps.installed import read_installed
from workflows.steps.reading import Reading


class Reach(Reading):
    """Host-key checking is on: another machine at this address doesn't pass."""

    name, version = "reach", 2
    timeout = timedelta(minutes=45)
    retry = Retry(attempts=5)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """It answers, from the disk that this grant wrote."""
        try:
            installed = await read_installed(ctx)
        except Unreachable as error:
            return NotYet(f"waiting for the installed system to answer: {error}", timedelta(seconds=3))
        return installed.judged(ctx) or Done({"boot_id": installed.boot_id})
