"""Off, and verified off: the first half of what ``reboot`` and a machine that is sent to the network again need."""

from datetime import timedelta

from workflows.engine.ports import Power
from workflows.engine.step import Context
from workflows.model.errors import Transient

_PATIENCE = timedelta(minutes=2)
_POLL = timedelta(seconds=1)


async def switch_off(ctx: Context) -> None:
    """Ask for off where it isn't, and wait until the BMC says so.

    Raises:
        Transient: it is still on after 2 minutes.
    """
    await ctx.bmc.power(Power.OFF)
    deadline = ctx.clock.now() + _PATIENCE
    while (await ctx.bmc.facts()).power is not Power.OFF:
        if ctx.clock.now() > deadline:
            raise Transient(f"{ctx.desired.label} is still on 2 minutes after power-off was asked for")
        await ctx.clock.sleep(_POLL)
