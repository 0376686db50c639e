"""``compare``: old against new, by the BMC, and a person's word for exactly that. Reads only.

Theory of operation. After a board, a GPU or an adapter was replaced, the machine isn't the one that the inventory names, so
every other run refuses it. Whether it is the right machine with a new part, or another machine behind the same address,
nobody can read from a BMC: a person who had it in hand says so. What is approved is the digest of the differences, read
again right after the approval: a machine that shows anything else by then asks again.
"""

import hashlib
import json
from datetime import timedelta

from workflows.engine.step import Asks, Context, Done, Retry, Verified
from workflows.model.desired import Desired, Intent
from workflows.model.errors import NeedsHuman
from workflows.model.hardware import HardwareReport, real_serial
from workflows.model.keys import site_of
from workflows.model.record import Json
from workflows.model.swap import Swap, compare
from workflows.steps.inventory_kept import inventory_before, kept_report
from workflows.steps.reading import Reading

_SAID = 12


class Compare(Reading):
    """Leaves what the inventory should learn, the parts that were swapped, and what has to follow."""

    name, version = "compare", 1
    timeout = timedelta(days=7)
    retry = Retry(attempts=4, pause=timedelta(minutes=1))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Nothing differs, or a person approved the differences that are there now."""
        report = await ctx.bmc.survey()
        if real_serial(report.serial) is None:
            raise NeedsHuman(
                f"the BMC of {ctx.desired.label} shows no serial that names a machine ({report.serial}): write the serial "
                "of the label into its FRU, then retry"
            )
        await _nobody_elses(ctx, report)
        known = await kept_report(ctx, await inventory_before(ctx))
        found = compare(ctx.desired, report, known)
        digest = _digest(ctx, found)
        if found.follows and not ctx.approves(digest):
            return Asks(_question(ctx.desired, report, found), digest)
        return Done(
            {
                "inventory": await ctx.evidence.put(report.encode()),
                "changes": [change.model_dump(mode="json") for change in found.changes],
                "parts": list(found.parts),
                "open": list(found.open),
                "follows": found.follows,
            }
        )


def _digest(ctx: Context, found: Swap) -> str:
    seen = [ctx.run.digest(), found.lines(), found.follows]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def _question(wish: Desired, report: HardwareReport, found: Swap) -> str:
    lines = found.lines()
    more = f"; and {len(lines) - _SAID} more" if len(lines) > _SAID else ""
    return (
        f"{wish.label} is another machine, or has other parts, than the inventory says "
        f"({report.vendor} {report.model}): {'; '.join(lines[:_SAID])}{more}. "
        f"Approve only what you know was replaced; then comes {found.follows}, which waits for an approval of its own"
    )


async def _nobody_elses(ctx: Context, report: HardwareReport) -> None:
    """A machine that is another node's by serial or UUID is no replacement: the BMC's address is wrong."""
    for value in await ctx.store.list(f"desired.{site_of(ctx.run.node)}.*"):
        if value.data is None or value.key == f"desired.{ctx.run.node}":
            continue
        other = Desired.decode(value.data)
        if other.intent is not Intent.SERVE:  # a spare may stand in the inventory under its own serial
            continue
        for what, theirs, found in (("serial", other.serial, report.serial), ("UUID", other.uuid, report.uuid)):
            if theirs and found and theirs.lower() == found.lower():
                raise NeedsHuman(
                    f"the BMC of {ctx.desired.label} shows {what} {found}, which is {other.label}'s ({other.node}): look at "
                    "the BMC address of both; nothing was taken over"
                )
