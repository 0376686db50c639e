"""``configure``: the roles of the release have run, and the node itself carries the mark of exactly this run."""

import hashlib
from datetime import timedelta

from workflows.engine.step import Context, Done, NotYet, Retry, Verified
from workflows.model.errors import Refused, Transient, Unreachable
from workflows.model.record import Json

_MARK = "/etc/bringup/configured"
_PATIENCE = timedelta(seconds=15)


class Configure:
    """Runs the playbook ``site.yml`` with the release's roles. The mark is written by us after the play succeeded."""

    name, version = "configure", 1
    timeout = timedelta(hours=2)
    retry = Retry(attempts=3, pause=timedelta(seconds=15))
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """The mark that will stand for this run."""
        return {"mark": _mark(ctx)}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Run the roles, then set the mark."""
        await run_roles(ctx, self.name, self.timeout / 2)
        command = ("sh", "-c", f"mkdir -p /etc/bringup && printf %s {_mark(ctx)} > {_MARK}")
        await ctx.ansible.shell(ctx.host(), command, timeout=_PATIENCE)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The node carries this run's mark."""
        try:
            mark = await ctx.ansible.shell(ctx.host(), ("cat", _MARK), timeout=_PATIENCE)
        except Unreachable as error:
            return NotYet(str(error), timedelta(seconds=5))
        except Refused:
            return NotYet("the roles have not run to their end yet")
        if mark.strip() == _mark(ctx):
            return Done({"mark": mark.strip()})
        return NotYet("the roles of this run have not run to their end yet")


async def run_roles(ctx: Context, step: str, timeout: timedelta) -> None:
    """The playbook with the release's roles, as a step's act.

    Raises:
        Transient: a role failed, or the node can't be reached.
    """
    profile = ctx.desired.profile
    assert profile is not None
    variables: dict[str, Json] = {
        **profile.release.variables,
        "bringup_roles": list(profile.release.roles),
        "bringup_mounts": [m.model_dump(mode="json") for m in ctx.desired.mounts],
        "bringup_hostname": ctx.desired.dns_name or ctx.desired.label,
    }
    result = await ctx.ansible.play(ctx.host(), "site.yml", variables, run=ctx.run.id, step=step, timeout=timeout)
    if not result.ok:
        raise Transient(f"the roles failed: {result.failed}")


def _mark(ctx: Context) -> str:
    return hashlib.sha256(f"{ctx.run.id}|{ctx.run.digest()}".encode()).hexdigest()
