"""Virtual media of one BMC: the drive for a CD, and what is inserted there (VirtualMedia schema, DSP8010).

The drive is found below the System or, on older services, below its manager. An image that is inserted already is left; one
of somebody else is taken out first, because services answer 409 or a vendor's message to a second one.
"""

from workflows.drivers.redfish.body import Body, members, part, text, texts
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.system import reset_target
from workflows.model.errors import Unsupported

_INSERT, _EJECT = "#VirtualMedia.InsertMedia", "#VirtualMedia.EjectMedia"
_MOST_DRIVES = 8


async def insert(channel: Channel, collection: str | None, image: str) -> None:
    """Have this image, a URL, in the drive. Raises Unsupported where there is no drive that takes one."""
    drive = await _drive(channel, collection)
    if drive is None:
        raise Unsupported(f"{channel.name} has no virtual drive for a CD that takes an image by its URL")
    if text(drive, "Image") == image[:200] and drive.get("Inserted") is not False:
        return
    await _eject(channel, drive)
    await channel.send("POST", reset_target(channel.name, drive, _INSERT), body={"Image": image})


async def take_out(channel: Channel, collection: str | None, image: str) -> None:
    """Have this image not in the drive; one of somebody else stays."""
    drive = await _drive(channel, collection)
    if drive is not None and text(drive, "Image") == image[:200]:
        await _eject(channel, drive)


async def _eject(channel: Channel, drive: Body) -> None:
    if drive.get("Inserted") is True or text(drive, "Image"):
        await channel.send("POST", reset_target(channel.name, drive, _EJECT), body={})


async def _drive(channel: Channel, collection: str | None) -> Body | None:
    for path in members(await channel.find(collection))[:_MOST_DRIVES]:
        drive = await channel.find(path)
        kinds = texts(drive.get("MediaTypes"))
        if _INSERT in part(drive, "Actions") and (not kinds or {"CD", "DVD"} & set(kinds)):
            return drive
    return None
