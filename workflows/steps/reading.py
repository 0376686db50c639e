"""What steps that only read have in common: nothing to remember before, nothing to do."""

from workflows.engine.step import Context
from workflows.model.record import Json


class Reading:
    """A step whose whole work is its ``verify``."""

    destructive = needs_approval = False

    async def baseline(self, ctx: Context) -> Json:
        """Nothing is changed, so nothing is kept."""
        return None

    async def apply(self, ctx: Context, base: Json) -> None:
        """Nothing to do: the world moves by itself, or is only looked at."""
