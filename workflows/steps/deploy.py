"""``deploy``: the machine came, took its grant, wrote the one disk, and reported. The worker only reads the grant.

Nothing here pushes: the machine pulls (law 4). While it writes, the run waits without worker or lease; the boot service
wakes it with each change of the grant.

A machine whose BMC says *off* while its grant is taken lost power in mid-write: it can't be writing any more, and its disk
is worth nothing. It gets a new grant of the same run, for the same disks, at most twice (failure 22): the inventory is
asked again, the new grant opens, and the machine is sent to the network once more. The old grant stays *taken* for good;
its token and its nonce are refused from then on.

A machine that was refused (no disk fits, another serial) and a second claimant park the run; one that never came is sent to
the network again up the escalation ladder first, by the next way (``workflows.engine.boot_way``). An open grant is closed
before either: a run that waits for a person gives nobody permission to wipe, and holds no slot of the cap. The person's
``retry`` sends the machine to the network again as above. Off always comes before the new grant opens: a machine that is on
may have been powered on by us for exactly this grant, and is never interrupted.
"""

from dataclasses import dataclass
from datetime import timedelta

from workflows.engine.boot_way import check_kept, send_by, way_now
from workflows.engine.grants import grant_key
from workflows.engine.ports import Power
from workflows.engine.second_look import second_look
from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Rung, Verified
from workflows.model.errors import NeedsHuman, Transient
from workflows.model.grant import Grant, GrantState
from workflows.model.profile import BootWay
from workflows.model.record import Json
from workflows.steps.netboot import GRANT_LIFE
from workflows.steps.off import switch_off
from workflows.steps.refusals import check_refusals, seen_refusals
from workflows.steps.silence import keep_silence

_LOOK_AGAIN = timedelta(minutes=5)
#: Wipes of one run: the first, and two more for a machine that lost power in mid-write.
WIPES = 3
#: From this step's beginning to the machine's first word. POST of a GPU server takes 3–30 minutes (design, Boot and deploy).
COMES_WITHIN = timedelta(minutes=45)


class Deploy:
    """Waits for ``reported``."""

    name, version = "deploy", 3
    timeout = timedelta(hours=2)
    retry = Retry.climbing(Rung.POWER, Rung.RESET, Rung.POWER)
    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Which grant this is about, the newest or one more, and whether its machine has to be sent to the network again."""
        newest = (await ctx.grants.all())[-1][0]
        facts = await ctx.bmc.facts()
        off = newest.state is not GrantState.REPORTED and facts.power is Power.OFF
        way, then = await way_now(ctx, facts)
        anew = newest.state is GrantState.CLOSED or (off and newest.state is GrantState.TAKEN)
        again = anew or (off and newest.state is GrantState.OPEN)
        refusals = await seen_refusals(ctx)
        attempt = newest.attempt + anew
        return {"attempt": attempt, "again": again, "refusals": refusals, "way": way.value, "then": then.value}

    async def apply(self, ctx: Context, base: Json) -> None:
        """Nothing, for the machine acts; only one that needs a new grant is sent to the network again."""
        wanted = _parsed(base)
        if wanted.again:
            await _send_again(ctx, wanted)

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """The grant's record says how far the machine is."""
        wanted = _parsed(base)
        grant = await ctx.grants.get(wanted.attempt)
        watch = grant_key(ctx.run.node, ctx.run.cause, wanted.attempt)
        if grant is None and wanted.again:
            return NotYet("the machine is sent to the network again, with a new grant", watch=watch)
        if grant is None or grant.state is GrantState.CLOSED:
            reason = grant.reason if grant is not None else "its record is gone"
            raise NeedsHuman(f"the grant of {ctx.desired.label} was closed before the machine wrote: {reason}")
        late = ctx.clock.now() > min(grant.deadline, ctx.started + COMES_WITHIN)
        if grant.state is GrantState.OPEN and (grant.refusals or late):
            never_came = (
                f"{ctx.desired.label} never came to the boot service by {wanted.way}: see its console, its boot order, and "
                f"DHCP; the next way is {wanted.then}"
            )
            reason = grant.refused.message if grant.refused else never_came
            if await ctx.grants.close(wanted.attempt, reason) is not GrantState.CLOSED:
                return NotYet("the machine took its grant in the last moment", watch=watch)
            await check_refusals(ctx, wanted.refusals)
            if grant.refused:
                raise NeedsHuman(reason)
            raise Transient(await keep_silence(ctx, reason))
        await check_refusals(ctx, wanted.refusals)
        if grant.state is GrantState.REPORTED:
            await ctx.grants.close(wanted.attempt, "reported")
            return _reported(grant, wanted.refusals)
        if grant.state is GrantState.OPEN:
            return NotYet("the machine boots the network", _LOOK_AGAIN, "it asks the boot service for its grant", watch)
        if (await ctx.bmc.facts()).power is Power.OFF:
            return await _lost_power(ctx)
        if ctx.clock.now() > grant.deadline:
            unsaid = (
                f"{ctx.desired.label} took its grant and never reported: its disk may be half written; see its console"
            )
            raise NeedsHuman(await keep_silence(ctx, unsaid))
        return NotYet("the machine writes its disk", _LOOK_AGAIN, "the machine reports when it is done", watch)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The baseline: which grant, whether it is a new one of this step's, and the refusals that a person knows of.

    ``way`` is the one that the machine is sent by, ``then`` the one after it.
    """

    attempt: int
    again: bool
    refusals: int
    way: BootWay
    then: BootWay


def _parsed(base: Json) -> _Wanted:
    assert isinstance(base, dict)
    return _Wanted(
        attempt=int(str(base["attempt"])),
        again=bool(base["again"]),
        refusals=int(str(base["refusals"])),
        way=BootWay(str(base["way"])),
        then=BootWay(str(base["then"])),
    )


async def _send_again(ctx: Context, wanted: _Wanted) -> None:
    """Off, grant, network boot, on. Done twice, it repeats only what is missing, and never the *off* after the grant."""
    attempt = wanted.attempt
    known = await ctx.grants.get(attempt)
    if known is None:
        refusal = await second_look(ctx)
        if refusal is not None:
            raise NeedsHuman(f"{ctx.desired.label} needs a new grant to write its disk, and {refusal.reason}")
        await switch_off(ctx)
        await ctx.grants.give_back_slot(attempt - 1)
        if not await ctx.grants.open(attempt, ctx.clock.now() + GRANT_LIFE):
            raise Transient("the site's cap of wipes is full")
    elif known.state is not GrantState.OPEN or (await ctx.bmc.facts()).power is Power.ON:
        return
    await send_by(ctx, wanted.way)
    await check_kept(ctx, wanted.way)
    await ctx.bmc.power(Power.ON)


async def _lost_power(ctx: Context) -> Verified:
    times = sum(grant.state is GrantState.TAKEN for grant, _ in await ctx.grants.all())
    if times >= WIPES:
        raise NeedsHuman(
            f"{ctx.desired.label} lost power {times} times while it wrote its disk: see its power supplies"
        )
    raise Transient(f"{ctx.desired.label} lost power while it wrote its disk; it gets a new grant")


def _reported(grant: Grant, refusals: int) -> Verified:
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
            "refusals": refusals,
            "next": report.next.value,
            "next_reason": report.next_reason,
        }
    )
