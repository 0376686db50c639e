"""What the installed system says of itself: boot id and root file system. Shared by ``reach`` and ``reboot``."""

from dataclasses import dataclass
from datetime import timedelta

from workflows.engine.step import Broken, Context
from workflows.model.errors import Refused

_QUESTION = ("sh", "-c", "cat /proc/sys/kernel/random/boot_id; findmnt -no UUID /")
_PATIENCE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Installed:
    """One answer of the node."""

    boot_id: str
    root_uuid: str

    def judged(self, ctx: Context) -> Broken | None:
        """Broken where the root file system isn't the one that this run's grant wrote."""
        wanted = str(ctx.result("deploy")["root_uuid"]).lower()
        if self.root_uuid.lower() == wanted:
            return None
        return Broken(f"{ctx.desired.label} runs from file system {self.root_uuid}, this run's grant wrote {wanted}")


async def read_installed(ctx: Context) -> Installed:
    """Ask the node.

    Raises:
        Unreachable: it doesn't answer, or not with the recorded host key.
        Refused: the answer isn't one.
    """
    answer = (await ctx.ansible.shell(ctx.host(), _QUESTION, timeout=_PATIENCE)).split()
    if len(answer) != 2:
        raise Refused(f"{ctx.desired.label} answered {' '.join(answer)[:200]!r} to the question of its boot and root")
    return Installed(answer[0], answer[1])
