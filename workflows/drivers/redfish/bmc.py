"""One machine's BMC over Redfish, during one claim: its verbs, each with as few requests as there can be.

Theory of operation. BMCs are slow, so where things are is found once and remembered (``layout``). Then a power change is a
read and a POST, a boot change a read (for the ETag) and a PATCH, and ``facts`` one read, two where there is a settings
object. Serial, UUID, power and override are read anew each time. Who may write, and what ends that, is the channel's
matter. Where the BMC knows no sessions, ``open`` returns None and writes carry the credential: the engine's time rule
fences them.
"""

from collections.abc import Sequence
from contextlib import suppress

from workflows.drivers.images import fetched
from workflows.drivers.redfish import baseline
from workflows.drivers.redfish import system as reading
from workflows.drivers.redfish.body import Body, text
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.event_log import newest_events
from workflows.drivers.redfish.layout import Layout, Memory, read_root, sessions_path
from workflows.drivers.redfish.media import insert, take_out
from workflows.drivers.redfish.survey import Survey
from workflows.drivers.redfish.system import RESET
from workflows.engine.ports import BiosFacts, BmcFacts, BootTarget, FirmwareImage, Power, TaskFacts
from workflows.model.errors import AuthenticationFailed, BringupError, Busy, Refused, Unsupported
from workflows.model.hardware import Firmware, HardwareReport, LogLine, SessionsShown, real_serial
from workflows.model.profile import BootWay, Setting

EVENTS_PATIENCE = 60.0
"""Seconds for the whole event log: it may have many pages, each within the time-out of a request."""

MANAGER_RESET = "#Manager.Reset"
_BMC_RESETS = ("GracefulRestart", "ForceRestart")


class RedfishBmc:
    """Implements ``OpenedBmc``. A write takes at most the channel's time-out as a whole."""

    def __init__(self, channel: Channel, memory: Memory):
        self._channel, self._memory, self._name = channel, memory, channel.name
        self._opened = False

    async def open(self) -> str | None:
        """Open this claim's session; None where the BMC's root names no place for sessions.

        Raises:
            AuthenticationFailed: the credential was refused; the breaker is open now.
            Busy: the BMC's session limit is reached.
            Unsupported: this is no Redfish service.
        """
        async with self._channel.deadline("open a session"):
            known = self._memory.layout
            path = known.sessions if known is not None else sessions_path(await read_root(self._channel))
            uri = await self._channel.login(path) if path is not None else None
        self._opened = True
        return uri

    async def end_session(self, uri: str) -> None:
        """End an earlier claim's session; one that is gone is no error. Raises Unsupported where DELETE is not known."""
        if "/Sessions/" not in uri:
            raise Refused(f"{uri[:200]!r} is no session of {self._name}")
        async with self._channel.deadline("end a session"):
            answer = await self._channel.send("DELETE", uri, accept=frozenset({404}))
        if uri == self._channel.session and answer.status != 404:
            self._channel.forget_session()

    async def facts(self) -> BmcFacts:
        """Read identity, power and boot override."""
        layout, system = await self._memory.system(self._channel)
        takes = await self._channel.get(layout.settings) if layout.settings is not None else system
        way = reading.way_of(takes) or reading.way_of(system)
        return BmcFacts(
            serial=await self._serial(layout, system),
            uuid=reading.uuid_of(system),
            vendor=text(system, "Manufacturer") or "",
            model=text(system, "Model") or "",
            power=reading.power_of(system),
            boot=BootTarget.NETWORK_ONCE if way is not None else reading.boot_of(system),
            system=layout.system,
            way=way,
            ways=reading.ways_of(takes, layout.quirks, layout.media),
            progress=reading.progress_of(system),
        )

    async def power(self, wanted: Power) -> None:
        """Power on or off (hard). Sends nothing where the machine is in that state or on its way there."""
        self._may_write()
        async with self._channel.deadline(f"power {wanted}"):
            layout, system = await self._memory.system(self._channel)
            if reading.heading_to(system, wanted):
                return
            kind = reading.reset_type(self._name, wanted, layout.resets)
            target = reading.reset_target(self._name, system, RESET)
            await self._channel.send("POST", target, body={"ResetType": kind})

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        """Set the boot override, on the settings object where there is one, with If-Match where it has an ETag."""
        self._may_write()
        async with self._channel.deadline(f"set boot to {target}"):
            layout = self._memory.layout or (await self._memory.system(self._channel))[0]
            path = layout.settings or layout.system
            answer = await self._channel.send("GET", path)
            etag = answer.etag or text(answer.body, "@odata.etag")
            if etag is not None and layout.quirks.strong_etags:
                etag = etag.removeprefix("W/")
            patch = reading.boot_patch(self._name, target, answer.body, layout.quirks, way, layout.media)
            if way is BootWay.MEDIA:
                await insert(self._channel, layout.media, media)
            elif media:
                await take_out(self._channel, layout.media, media)
            await self._channel.send("PATCH", path, body=patch, if_match=etag)

    async def reset_bmc(self) -> None:
        """Restart the BMC; this claim's session ends with it, and what was remembered of it."""
        self._may_write()
        async with self._channel.deadline("restart the BMC"):
            _, system = await self._memory.system(self._channel)
            path = reading.manager_path(system)
            if path is None:
                raise Unsupported(f"{self._name} does not say which manager its System has")
            manager = await self._channel.get(path)
            info = reading.action_info(manager, MANAGER_RESET)
            described = await self._channel.find(info)
            offered = reading.reset_values(manager, MANAGER_RESET, described)
            kinds = [k for k in _BMC_RESETS if not offered or k in offered]
            if not kinds:
                raise Unsupported(f"{self._name} offers no restart of itself, only {', '.join(offered)[:200]}")
            target = reading.reset_target(self._name, manager, MANAGER_RESET)
            await self._channel.send("POST", target, body={"ResetType": kinds[0]})
            self._memory.layout = None

    async def survey(self) -> HardwareReport:
        """Everything that the BMC shows of its machine, read under one session where it can be had.

        Where this claim has none yet, one is opened for these reads alone and ended with them: it fences nothing.
        """
        root = await read_root(self._channel)
        path = sessions_path(root)
        sessions = SessionsShown(supported=path is not None)
        own: str | None = None
        if path is not None and self._channel.session is None:
            try:
                own = await self._channel.login(path)
            except AuthenticationFailed:
                raise
            except (Busy, Refused) as error:  # all sessions are taken, or it opens none: reads do without one
                sessions = SessionsShown(supported=True, said=str(error))
        try:
            layout, system = await self._memory.system(self._channel)
            serial = await self._serial(layout, system)
            return await Survey(self._channel, layout, system, serial, sessions).report()
        finally:
            if own is not None:
                with suppress(BringupError):  # it ends by itself when it idles
                    await self.end_session(own)

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        """The newest lines of the machine's event log, oldest first."""
        async with self._channel.deadline("read the event log", EVENTS_PATIENCE):
            _, system = await self._memory.system(self._channel)
            return await newest_events(self._channel, system, limit)

    async def bios(self) -> BiosFacts:
        """Read the BIOS attributes, and those that wait for a boot."""
        _, system = await self._memory.system(self._channel)
        return await baseline.read_bios(self._channel, system)

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        """Set BIOS attributes for the next boot."""
        self._may_write()
        async with self._channel.deadline("set BIOS attributes"):
            _, system = await self._memory.system(self._channel)
            await baseline.write_bios(self._channel, system, attributes)

    async def firmware(self) -> tuple[Firmware, ...]:
        """Read the firmware versions."""
        layout, _ = await self._memory.system(self._channel)
        return await baseline.read_firmware(self._channel, layout)

    async def tasks(self) -> tuple[TaskFacts, ...]:
        """Read the tasks."""
        layout, _ = await self._memory.system(self._channel)
        return await baseline.read_tasks(self._channel, layout.root)

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        """Fetch the image, compare it with its hash, and begin the update of these firmware resources."""
        self._may_write()
        layout, _ = await self._memory.system(self._channel)
        async with fetched(image.url, image.sha256) as file:
            await baseline.begin_update(self._channel, layout.root, paths, file, image.url)

    async def close(self) -> None:
        """End this claim's session and release the connection. Never raises."""
        await self._channel.close()

    async def _serial(self, layout: Layout, system: Body) -> str | None:
        found = reading.serial_of(system, layout.quirks)
        if found is not None or layout.serial is None:
            return found
        return real_serial(text(await self._channel.find(layout.serial), "SerialNumber"))

    def _may_write(self) -> None:
        if not self._opened:
            raise Refused(f"a write to {self._name} before open(): nothing was sent")
