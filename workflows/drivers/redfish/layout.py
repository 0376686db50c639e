"""Where things are on one BMC: found once by reads alone, remembered for the claims that follow.

Theory of operation. Discovery follows the links from the service root, as the standard wants it, never a vendor's paths.
What it finds is remembered per BMC for the life of the process, so a later claim's first look is one request. A memory is
dropped when its System is gone or has another maker, and when the BMC itself is restarted. Nothing that decides anything
is remembered: serial, UUID, power and override are read anew each time.
"""

from dataclasses import dataclass, field

from workflows.drivers.redfish.body import Body, is_among, link, links, members, part, text
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.quirks import Quirks, quirks_of
from workflows.drivers.redfish.system import (
    RESET,
    action_info,
    choose_system,
    is_baseboard,
    manager_path,
    reset_values,
    serial_of,
    settings_path,
    takes_override,
)
from workflows.model.errors import Unsupported
from workflows.model.hardware import OtherSystem, real_serial

ROOT = "/redfish/v1/"

ENCLOSURES = ("Shelf", "RackMount", "Sled", "Blade", "StandAlone", "Drawer", "Enclosure", "Other")
"""Types of chassis that carry the machine's label (Chassis schema, ChassisType), not those of its parts."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What was found. ``root`` is the service root, ``media`` the collection of virtual media.

    ``serial`` is the chassis with the serial, where the System has none.
    """

    root: Body = field(repr=False)
    system: str
    why: str
    others: tuple[OtherSystem, ...]
    maker: str | None
    settings: str | None
    resets: list[str]
    media: str | None
    serial: str | None
    quirks: Quirks

    @property
    def sessions(self) -> str | None:
        """The collection of sessions; None where the BMC knows none."""
        return sessions_path(self.root)


class Memory:
    """The layout of one BMC, shared by all claims on it in this process."""

    def __init__(self) -> None:
        self.layout: Layout | None = None

    async def system(self, channel: Channel) -> tuple[Layout, Body]:
        """The System as it is now, and where things are.

        Raises:
            Unsupported: this is no Redfish service of a server, or it shows no System, or several.
        """
        if self.layout is not None:
            try:
                body = await channel.get(self.layout.system)
            except Unsupported:
                body = {}
            if RESET in part(body, "Actions") and text(body, "Manufacturer") == self.layout.maker:
                return self.layout, body
        self.layout, body = await _find(channel)
        return self.layout, body


async def read_root(channel: Channel) -> Body:
    """The service root. Raises Unsupported where what answers is no Redfish service."""
    try:
        root = await channel.open_get(ROOT)
        said = "what stands there is something else"
    except Unsupported as error:
        root, said = {}, str(error)
    if not {"RedfishVersion", "Systems", "Links"} & root.keys():
        raise Unsupported(
            f"{channel.name} shows no Redfish service at {ROOT} ({said}): is this the BMC's address? A BMC without Redfish "
            "may speak IPMI"
        )
    return root


def sessions_path(root: Body) -> str | None:
    """The collection of sessions, by the service root."""
    return link(part(root, "Links").get("Sessions"))


async def _find(channel: Channel) -> tuple[Layout, Body]:
    root = await read_root(channel)
    collection = link(root.get("Systems"))
    if collection is None:
        offers = ", ".join(sorted(k for k, v in root.items() if link(v) is not None))[:200]
        raise Unsupported(
            f"{channel.name} is a Redfish service without Systems, so no server's BMC; it offers {offers}"
        )
    paths = members(await channel.get(collection))
    bodies = {p: {} if is_baseboard(p) else await channel.find(p) for p in paths}
    path, why, others = choose_system(channel.name, list(bodies.items()))
    system = bodies[path]
    info = action_info(system, RESET)
    described = await channel.find(info)
    settings = settings_path(system)
    if not takes_override(await channel.find(settings)):
        settings = None
    quirks = quirks_of(root, system)
    serial = None if serial_of(system, quirks) else await _serial_chassis(channel, root, path, system)
    maker = text(system, "Manufacturer")
    media = link(system.get("VirtualMedia"))
    if media is None:
        media = link((await channel.find(manager_path(system))).get("VirtualMedia"))
    resets = reset_values(system, RESET, described)
    return Layout(root, path, why, others, maker, settings, resets, media, serial, quirks), system


async def _serial_chassis(channel: Channel, root: Body, path: str, system: Body) -> str | None:
    """The enclosure that holds the System and has a serial; else the chassis that the System itself names."""
    own = links(part(system, "Links").get("Chassis"))
    collection = link(root.get("Chassis"))
    listed = members(await channel.find(collection))
    likely = [p for p in listed if "chassis" in p.rsplit("/", 1)[-1].lower() and not is_baseboard(p)]
    for candidate in dict.fromkeys([*likely[:4], *own[:4]]):
        body = await channel.find(candidate)
        holds = is_among(path, links(part(body, "Links").get("ComputerSystems")))
        if (
            holds
            and real_serial(text(body, "SerialNumber"))
            and (body.get("ChassisType") in ENCLOSURES or candidate in own)
        ):
            return candidate
    return None
