"""``deploy``: the machine came, took its grant, wrote the one disk, and reported. The worker only reads the grant.

Nothing here pushes: the machine pulls (law 4). While it writes, the run waits without worker or lease; the boot service
wakes it with each change of the grant.

A machine whose BMC says *off* while its grant is taken lost power in mid-write: it can't be writing any more, and its disk
is worth nothing. It gets a new grant of the same run, for the same disks, at most twice (failure 22): the inventory is
asked again, the new grant opens, and the machine is sent to the network once more. The old grant stays *taken* for good;
its token and its nonce are refused from then on.
"""

from datetime import timedelta

from workflows.engine.grants import grant_key
from workflows.engine.permission import permission
from workflows.engine.ports import BootTarget, Power
from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.errors import NeedsHuman, Transient
from workflows.model.grant import Grant, GrantState
from workflows.model.record import Json
from workflows.steps.netboot import GRANT_LIFE

_LOOK_AGAIN = timedelta(minutes=5)
#: The first grant, and two more for machines that lost power in mid-write.
GRANTS = 3


class Deploy:
    """Waits for ``reported``."""

    name, version = "deploy", 1
    timeout = timedelta(hours=2)
    retry = Retry(attempts=GRANTS)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Which grant this is about: the newest, or one more where its machine lost power in mid-write."""
        newest = (await ctx.grants.all())[-1][0]
        lost = newest.state is GrantState.TAKEN and (await ctx.bmc.facts()).power is Power.OFF
        return {"attempt": newest.attempt + lost, "again": lost}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Nothing, for the machine acts; only one that lost power is sent to the network again, with a new grant."""
        attempt, again = _parsed(base)
        known = await ctx.grants.get(attempt)
        if not again or (known is not None and known.state is not GrantState.OPEN):
            return
        refusal = permission(ctx.run, await ctx.inventory.read(ctx.run.node))
        if refusal is not None:
            raise NeedsHuman(f"{ctx.desired.label} lost power while it wrote its disk, and {refusal.reason}")
        await ctx.grants.give_back_slot(attempt - 1)
        if not await ctx.grants.open(attempt, ctx.clock.now() + GRANT_LIFE):
            raise Transient("the site's cap of wipes is full")
        await ctx.bmc.boot(BootTarget.NETWORK_ONCE)
        if (await ctx.bmc.facts()).boot is not BootTarget.NETWORK_ONCE:
            raise Transient("the BMC did not keep the network boot")
        await ctx.bmc.power(Power.ON)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The grant's record says how far the machine is."""
        attempt, again = _parsed(base)
        grant = await ctx.grants.get(attempt)
        watch = grant_key(ctx.run.node, ctx.run.cause, attempt)
        if grant is None and again:
            return NotYet("the machine lost power while it wrote its disk; it gets a new grant", watch=watch)
        if grant is None or grant.state is GrantState.CLOSED:
            reason = grant.reason if grant is not None else "its record is gone"
            raise NeedsHuman(f"the grant of {ctx.desired.label} was closed before the machine wrote: {reason}")
        if grant.state is GrantState.REPORTED:
            await ctx.grants.close(attempt, "reported")
            return _reported(grant)
        late = ctx.clock.now() > grant.deadline
        if grant.state is GrantState.TAKEN:
            if (await ctx.bmc.facts()).power is Power.OFF:
                return _lost_power(ctx, attempt)
            if late:
                raise NeedsHuman(
                    f"{ctx.desired.label} took its grant and never reported: its disk may be half written; see its console"
                )
            return NotYet("the machine writes its disk", _LOOK_AGAIN, "the machine reports when it is done", watch)
        if late:
            raise NeedsHuman(
                f"{ctx.desired.label} never came to the boot service: see its console, its boot order, and DHCP"
            )
        return NotYet("the machine boots the network", _LOOK_AGAIN, "it asks the boot service for its grant", watch)


def _parsed(base: Json) -> tuple[int, bool]:
    assert isinstance(base, dict)
    return int(str(base["attempt"])), bool(base["again"])


def _lost_power(ctx: Context, attempt: int) -> Verified:
    if attempt >= GRANTS:
        raise NeedsHuman(
            f"{ctx.desired.label} lost power {attempt} times while it wrote its disk: see its power supplies"
        )
    raise Transient(f"{ctx.desired.label} lost power while it wrote its disk; it gets a new grant")


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
