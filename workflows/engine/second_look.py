"""The second look, right before an act that stops or wipes a machine: is it still asked for, and does no job run there?

Theory of operation. Hours may lie between a run's first step and its wipe: an approval, a drain, a full cap, a worker that
was away. So the worker asks the outside witnesses again before *each* destructive act, also after a crash: the inventory
whether it is still wanted (law 4) and which run it shows as the one that accepted the node (failure 21), and the scheduler
(failure 25). A scheduler answers for its own nodes only; the rules are:

* a job runs there: never stopped by us, whoever allowed the wipe;
* a run that has drained the node finds it open again: somebody took it back, so a person is asked;
* the scheduler doesn't know the node: fine for one that was never in service, a question to a person for one that was;
* no scheduler, or a forced run: nobody is asked, and that is what its approver read.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from workflows.engine.look import replay
from workflows.engine.permission import Refusal, permission
from workflows.engine.step import Context
from workflows.model.journal import Outcome
from workflows.model.run import Run

_RUN_ID = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.[gcf][0-9]{1,19}")
_FORCE = "wait and retry, or cancel and ask for it with force, which a second person has to approve"


class Hindrance(StrEnum):
    """Why a node may not be stopped: by something that ends by itself, or by something that only a person can clear."""

    JOBS = "jobs"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Occupied:
    """Why the scheduler's side forbids it now, and what a person can do."""

    reason: str
    next_action: str
    hindrance: Hindrance


async def second_look(ctx: Context) -> Refusal | None:
    """None where the act may go on.

    Raises:
        Transient: the inventory or the scheduler can't be asked.
    """
    refusal = permission(ctx.run, await ctx.inventory.read(ctx.run.node)) or await _unknown_acceptance(ctx)
    if refusal is not None:
        return refusal
    found = await occupied(ctx)
    return None if found is None else Refusal(f"{found.reason}; nothing was stopped or wiped", found.next_action)


async def _unknown_acceptance(ctx: Context) -> Refusal | None:
    """The outside witness (failure 21): the inventory shows the node as accepted by a run that ended well here, too."""
    shown = await ctx.inventory.accepted_by(ctx.run.node)
    if not shown:
        return None
    value = await ctx.store.get(f"run.{shown}") if _RUN_ID.fullmatch(shown) else None
    if value is not None and value.data is not None:
        known = Run.decode(value.data)
        if (await replay(ctx.store, known)).outcome is Outcome.SUCCEEDED:
            return None
    return Refusal(
        f"the inventory says that run {shown[:100]} accepted {ctx.desired.label}, and the store knows no such run that "
        "ended well: it was restored from a backup, or is another one; nothing was stopped or wiped",
        "look at the machine; if it may be wiped, empty that field in the inventory, then retry; else cancel, and adopt it",
    )


async def occupied(ctx: Context) -> Occupied | None:
    """Why the node may not be stopped as the scheduler sees it; None where it may.

    Raises:
        Transient: the scheduler can't be asked.
    """
    if ctx.scheduler is None or ctx.run.force:
        return None
    label, drained = ctx.desired.label, ctx.run.has("drain")
    duty = await ctx.scheduler.duty(ctx.desired)
    if duty is None:
        if not drained:
            return None
        return Occupied(
            f"the scheduler knows no node {label}", f"name it as the scheduler does; {_FORCE}", Hindrance.STRANGE
        )
    work = (*duty.jobs, *duty.moving)
    if work:
        more = f" and {len(work) - 3} more" if len(work) > 3 else ""
        return Occupied(f"{label} runs {', '.join(work[:3])}{more}", _FORCE, Hindrance.JOBS)
    if drained and duty.open:
        return Occupied(
            f"somebody gave {label} back to the scheduler while this run goes on", _FORCE, Hindrance.STRANGE
        )
    return None


def drain_reason(ctx: Context) -> str:
    """What the scheduler shows of a node that this run closed: it names the run, and so is known to be ours."""
    return f"{_of_node(ctx)}{ctx.run.cause} ({ctx.run.workflow})"


def closed_by_us(ctx: Context, reason: str) -> bool:
    """Whether this run, or an earlier one of the same node, closed it."""
    return reason.startswith(_of_node(ctx))


def _of_node(ctx: Context) -> str:
    return f"bringup run {ctx.run.node}."
