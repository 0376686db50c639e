"""The hardware inventory that earlier runs of the node kept: what *old* means where parts are compared."""

from workflows.engine.step import Context
from workflows.model.errors import Refused
from workflows.model.hardware import HardwareReport
from workflows.model.status import NodeStatus


async def inventory_before(ctx: Context) -> str:
    """The evidence of the newest inventory that a run of this node went on with; empty where none has."""
    value = await ctx.store.get(f"status.{ctx.run.node}")
    return NodeStatus.decode(value.data).inventory if value.data is not None else ""


async def kept_report(ctx: Context, sha256: str) -> HardwareReport | None:
    """That inventory; None where there is none, or where it can't be read any more: it only tells what was there."""
    if not sha256:
        return None
    try:
        return HardwareReport.decode(await ctx.evidence.get(sha256))
    except Refused as error:
        ctx.log(f"the inventory that was kept before: {error}")
        return None
