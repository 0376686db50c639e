"""The session fence: a BMC whose first write of a claim opens a session that every earlier claim of the node loses.

Theory of operation. The store's fence protects records, not metal: a worker that was paused past its lease could still
power a node that somebody re-imaged. So before the first write of a claim the holder, in this order,

1. reads who the machine is and compares it with the wish (the identity interlock),
2. opens one session of its own,
3. ends the sessions *named by this node's earlier claims*, never others of the account,
4. appends its session's URI to the journal under the lease (refused: it ends its own session and drops everything),
5. and only then sends the write.

BMCs without sessions (``open`` returns None) follow the *time* rule: the lease must outlast the call, and a new owner waits
one call's time-out before its first write, so that the call of an older owner has ended.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from workflows.engine.lease import Lease
from workflows.engine.ports import BiosFacts, BmcFacts, BootTarget, Clock, FirmwareImage, OpenedBmc, Power, TaskFacts
from workflows.engine.step import check_identity
from workflows.model.desired import Desired
from workflows.model.errors import Fenced, Unsupported
from workflows.model.hardware import Firmware, HardwareReport, LogLine
from workflows.model.profile import BootWay, Setting

CALL_TIMEOUT = timedelta(seconds=10)


class FencedBmc:
    """Implements ``OpenedBmc`` over a driver's; the steps never see the driver itself."""

    def __init__(
        self,
        raw: OpenedBmc,
        lease: Lease,
        clock: Clock,
        desired: Desired,
        earlier: tuple[str, ...],
        first_claim: bool,
        append_session: Callable[[str], Awaitable[None]],
    ):
        self._raw, self._lease, self._clock, self._desired = raw, lease, clock, desired
        self._earlier, self._first_claim, self._append = earlier, first_claim, append_session
        self._opened = False
        self._timed = False

    async def open(self) -> str | None:
        """Not for steps: the fence opens at the first write."""
        raise AssertionError("the fence opens by itself")

    async def end_session(self, uri: str) -> None:
        """End a session by name."""
        await self._raw.end_session(uri)

    async def facts(self) -> BmcFacts:
        """Read identity, power and boot override; reads need no fence."""
        return await self._raw.facts()

    async def survey(self) -> HardwareReport:
        """Read everything; reads need no fence."""
        return await self._raw.survey()

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        """The newest lines of the event log; reads need no fence."""
        return await self._raw.events(limit)

    async def bios(self) -> BiosFacts:
        """Read the BIOS attributes; reads need no fence."""
        return await self._raw.bios()

    async def firmware(self) -> tuple[Firmware, ...]:
        """Read the versions; reads need no fence."""
        return await self._raw.firmware()

    async def tasks(self) -> tuple[TaskFacts, ...]:
        """Read the tasks; reads need no fence."""
        return await self._raw.tasks()

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        """Set BIOS attributes, behind the fence."""
        await self._fence()
        await self._raw.set_bios(attributes)

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        """Begin a firmware update, behind the fence. Raises Unsupported under the time rule: images take longer."""
        await self._fence()
        if self._timed:
            raise Unsupported(
                f"the BMC of {self._desired.label} knows no sessions, so an older owner's image couldn't be kept out: "
                "nothing was sent; update it by hand"
            )
        await self._raw.flash(paths, image)

    async def power(self, wanted: Power) -> None:
        """Ask for power on or off, behind the fence."""
        await self._fence()
        await self._raw.power(wanted)

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        """Set the boot override, behind the fence."""
        await self._fence()
        await self._raw.boot(target, way, media)

    async def reset_bmc(self) -> None:
        """Restart the BMC, behind the fence."""
        await self._fence()
        await self._raw.reset_bmc()

    async def close(self) -> None:
        """End this claim's session."""
        await self._raw.close()

    async def _fence(self) -> None:
        if not self._opened:
            facts = await self._raw.facts()
            check_identity(self._desired, facts.serial, facts.uuid)
            uri = await self._raw.open()
            self._timed = uri is None
            for old in self._earlier:
                if old != uri:
                    await self._raw.end_session(old)
            if self._timed and not self._first_claim:
                await self._clock.sleep(CALL_TIMEOUT)
            if uri is not None:
                try:
                    await self._append(uri)
                except Fenced:
                    await self._raw.close()
                    raise
            self._opened = True
        if self._timed and not self._lease.outlasts(CALL_TIMEOUT):
            await self._lease.renew()
