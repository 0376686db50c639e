"""What the installed system says of itself: boot id, root file system, grant. Shared by ``reach`` and ``reboot``.

That it is the system which this run's grant wrote is judged by both: the file system's UUID, and the grant's name that the
agent left in it. An image that isn't ours keeps its UUID, so an older copy of it on another disk has the same one.
"""

from dataclasses import dataclass
from datetime import timedelta

from workflows.engine.step import Broken, Context
from workflows.model.errors import Refused
from workflows.model.grant import grant_name

_QUESTION = (
    "sh",
    "-c",
    "cat /proc/sys/kernel/random/boot_id; findmnt -no UUID /; cat /etc/bringup/grant 2> /dev/null || echo none",
)
_PATIENCE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Installed:
    """One answer of the node. ``grant`` is the name of the grant that wrote it, ``none`` where it has none."""

    boot_id: str
    root_uuid: str
    grant: str

    def judged(self, ctx: Context) -> Broken | None:
        """Broken where this isn't the system that this run's grant wrote."""
        deployed = ctx.result("deploy")
        wanted = str(deployed["root_uuid"]).lower()
        if self.root_uuid.lower() != wanted:
            return Broken(
                f"{ctx.desired.label} runs from file system {self.root_uuid}, this run's grant wrote {wanted}"
            )
        ours = grant_name(ctx.run.node, ctx.run.cause, int(str(deployed["attempt"])))
        if self.grant != ours:
            return Broken(
                f"{ctx.desired.label} runs a system of grant {self.grant}, this run's is {ours}: "
                "it booted an older copy of the image, look for it on its other disks"
            )
        return None


async def read_installed(ctx: Context) -> Installed:
    """Ask the node.

    Raises:
        Unreachable: it doesn't answer, or not with the recorded host key.
        Refused: the answer isn't one.
    """
    answer = (await ctx.ansible.shell(ctx.host(), _QUESTION, timeout=_PATIENCE)).split()
    if len(answer) != 3:
        raise Refused(f"{ctx.desired.label} answered {' '.join(answer)[:200]!r} to the question of its boot and root")
    return Installed(*answer)
