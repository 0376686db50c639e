"""``deploy``: the machine came, took its grant, wrote the one disk, and reported. The worker only reads the grant.

Nothing here pushes: the machine pulls (law 4). While it writes, the run waits without worker or lease; the boot service
wakes it with each change of the grant.
"""

from datetime import timedelta

from workflows.engine.grants import grant_key
from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import NeedsHuman
from workflows.model.grant import Grant, GrantState
from workflows.model.record import Json

_LOOK_AGAIN = timedelta(minutes=5)


class Deploy:
    """Waits for ``reported``."""

    name, version = "deploy", 1
    timeout = timedelta(hours=2)
    retry = Retry(attempts=1)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Which grant this is about."""
        return {"attempt": ctx.result("netboot")["attempt"]}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Nothing: the machine acts."""

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The grant's record says how far the machine is."""
        assert isinstance(base, dict)
        attempt = int(str(base["attempt"]))
        grant = await ctx.grants.get(attempt)
        watch = grant_key(ctx.run.node, ctx.run.cause, attempt)
        if grant is None or grant.state is GrantState.CLOSED:
            reason = grant.reason if grant is not None else "its record is gone"
            raise NeedsHuman(f"the grant of {ctx.desired.label} was closed before the machine wrote: {reason}")
        if grant.state is GrantState.REPORTED:
            await ctx.grants.close(attempt, "reported")
            return _reported(grant)
        if ctx.clock.now() > grant.deadline:
            if grant.state is GrantState.OPEN:
                raise NeedsHuman(
                    f"{ctx.desired.label} never came to the boot service: see its console, its boot order, and DHCP"
                )
            raise NeedsHuman(
                f"{ctx.desired.label} took its grant and never reported: its disk may be half written; see its console"
            )
        if grant.state is GrantState.TAKEN:
            return NotYet("the machine writes its disk", _LOOK_AGAIN, "the machine reports when it is done", watch)
        return NotYet("the machine boots the network", _LOOK_AGAIN, "it asks the boot service for its grant", watch)


def _reported(grant: Grant) -> Verified:
    report = grant.report
    assert report is not None
    if not report.ok:
        return Broken(f"the machine reported: {report.message}")
    return Done(
        {
            "host_key": report.host_key,
            "root_uuid": report.root_uuid,
            "disk": grant.disk.id if grant.disk else "",
            "bytes": report.bytes_written,
            "writes_on_disk": report.writes_on_disk,
            "attempt": grant.attempt,
        }
    )
