"""``take_over``: the inventory names the machine that a person approved. Reads only; telling the inventory is write-back's.

The run stays open until then, because the run that follows is made from the inventory's record. Write-back changes a field
only where it still shows the old value; an inventory that bringup doesn't write (YAML files) is a person's to correct.
"""

from datetime import timedelta

from workflows.engine.step import Broken, Context, Done, NotYet, Retry, Verified
from workflows.model.desired import Desired
from workflows.model.identity import IdentityChange, IdentityField
from workflows.model.record import Json
from workflows.steps.reading import Reading

_LOOK_AGAIN = timedelta(minutes=2)


class TakeOver(Reading):
    """Waits for the record."""

    name, version = "take_over", 1
    timeout = timedelta(days=7)
    retry = Retry(attempts=3, pause=timedelta(minutes=5))

    async def verify(self, ctx: Context, base: Json) -> Verified:
        """Every change stands in the inventory."""
        listed = ctx.result("compare")["changes"]
        changes = [IdentityChange.model_validate(c) for c in listed] if isinstance(listed, list) else []
        now = await ctx.inventory.read(ctx.run.node)
        if now is None:
            return Broken(f"{ctx.desired.label} is gone from the inventory")
        left = [change for change in changes if shown(now, change) != change.new.lower()]
        if not left:
            return Done()
        return NotYet(
            f"the inventory doesn't say so yet: {'; '.join(map(str, left[:5]))}",
            _LOOK_AGAIN,
            "bringup writes it to NetBox where that still shows the old value; else correct it by hand",
            f"desired.{ctx.run.node}",
        )


def shown(wish: Desired, change: IdentityChange) -> str | None:
    """What the inventory's record says there, lower case."""
    interface = next((i for i in wish.interfaces if i.name == change.interface), None)
    match change.field:
        case IdentityField.SERIAL:
            found = wish.serial
        case IdentityField.UUID:
            found = wish.uuid
        case IdentityField.MAC:
            found = interface.mac if interface is not None else None
        case IdentityField.GUID:
            found = interface.guid if interface is not None else None
    return found.lower() if found is not None else None
