"""BIOS attributes, firmware versions, updates and tasks of one BMC.

Schemas are DMTF's Bios, Settings, UpdateService, SoftwareInventory and Task (DSP8010); the multipart push is DSP0266's
(12.2, ``UpdateParameters`` and ``UpdateFile``). An image is pushed where the BMC takes a push: then it gets the very bytes
that were compared with the hash. Else it is told the URL (SimpleUpdate) and fetches it itself.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from workflows.drivers.redfish import parts
from workflows.drivers.redfish.body import Body, link, number, part, text, texts
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.layout import Layout
from workflows.drivers.redfish.tree import Tree
from workflows.engine.ports import BiosFacts, TaskFacts
from workflows.model.errors import Unsupported
from workflows.model.hardware import Firmware
from workflows.model.profile import Setting
from workflows.model.record import Json

PUSH_SECONDS = 900.0
"""How long the push of an image may take."""

_UPDATE = "#UpdateService.SimpleUpdate"
_WAITS = ("Pending", "Suspended")
_OVER = ("Completed", "Killed", "Exception", "Cancelled")
_WENT_WELL = ("Completed", *_WAITS)
_MOST_TASKS = 200


async def read_bios(channel: Channel, system: Body) -> BiosFacts:
    """The attributes that hold and those that wait. Raises Unsupported where the System names no BIOS."""
    body, settings = await _bios(channel, system)
    waiting = (await channel.get(settings)) if settings is not None else {}
    return BiosFacts(attributes_of(body), attributes_of(waiting))


async def write_bios(channel: Channel, system: Body, attributes: dict[str, Setting]) -> None:
    """Set attributes on the settings object, for the next boot."""
    body, settings = await _bios(channel, system)
    path = settings or link(system.get("Bios"))
    assert path is not None
    answer = await channel.send("GET", path)
    patch: Body = {"Attributes": dict(attributes)}
    if "OnReset" in texts(part(body, "@Redfish.Settings").get("SupportedApplyTimes")):
        patch["@Redfish.SettingsApplyTime"] = {"ApplyTime": "OnReset"}
    await channel.send("PATCH", path, body=patch, if_match=answer.etag or text(answer.body, "@odata.etag"))


def attributes_of(bios: Body) -> dict[str, Setting]:
    """The attributes of a Bios resource that have a plain value."""
    return {name: v for name, v in part(bios, "Attributes").items() if isinstance(v, bool | int | str)}


async def read_firmware(channel: Channel, layout: Layout) -> tuple[Firmware, ...]:
    """The versions, each with its resource."""
    tree = Tree(channel, layout.root)
    service = await channel.get(_service(channel, layout.root))
    listed = await tree.members(link(service.get("FirmwareInventory")))
    return tuple(f for body in listed if (f := parts.firmware(body, layout.quirks.kept)) is not None)


async def read_tasks(channel: Channel, root: Body) -> tuple[TaskFacts, ...]:
    """The newest tasks, in the order in which the BMC lists them; none where it has no task service."""
    path = link(root.get("Tasks"))
    if path is None:
        return ()
    service = await channel.get(path)
    listed = await Tree(channel, root).members(link(service.get("Tasks")))
    return tuple(_task(body) for body in listed[-_MOST_TASKS:])


async def begin_update(channel: Channel, root: Body, paths: Sequence[str], image: Path, url: str) -> None:
    """Push the image, or tell its URL.

    Raises:
        Unsupported: the BMC takes neither.
        Unreachable: no answer; the update may have begun.
    """
    service = await channel.get(_service(channel, root))
    push = service.get("MultipartHttpPushUri")
    if isinstance(push, str) and push.startswith("/redfish/"):
        with image.open("rb") as file:
            form = aiohttp.FormData()
            parameters = json.dumps({"Targets": list(paths)})
            form.add_field("UpdateParameters", parameters, content_type="application/json")
            name = Path(urlsplit(url).path).name or "image.bin"
            form.add_field("UpdateFile", file, filename=name, content_type="application/octet-stream")
            await channel.send("POST", push, form=form, seconds=PUSH_SECONDS)
        return
    target = part(part(service, "Actions"), _UPDATE).get("target")
    if not isinstance(target, str) or not target.startswith("/redfish/"):
        raise Unsupported(f"{channel.name} takes no firmware image: neither a push nor SimpleUpdate is offered")
    simple: Body = {"ImageURI": url, "Targets": list(paths), "TransferProtocol": urlsplit(url).scheme.upper()}
    await channel.send("POST", target, body=simple)


async def _bios(channel: Channel, system: Body) -> tuple[Body, str | None]:
    path = link(system.get("Bios"))
    if path is None:
        raise Unsupported(f"{channel.name} shows no BIOS attributes of its System")
    body = await channel.get(path)
    return body, link(part(body, "@Redfish.Settings").get("SettingsObject"))


def _service(channel: Channel, root: Body) -> str:
    path = link(root.get("UpdateService"))
    if path is None:
        raise Unsupported(f"{channel.name} has no update service")
    return path


def _task(body: Body) -> TaskFacts:
    state = text(body, "TaskState") or "unknown"
    listed: Json = body.get("Messages")
    said = [text(m, "Message") for m in listed[-3:] if isinstance(m, dict)] if isinstance(listed, list) else []
    ill = state in _OVER and (state not in _WENT_WELL or body.get("TaskStatus") in ("Critical", "Warning"))
    return TaskFacts(
        path=text(body, "@odata.id") or "",
        state=state,
        percent=number(body, "PercentComplete") or 0,
        ended=state in _OVER or state in _WAITS,
        failed=ill,
        text="; ".join(s for s in said if s) or (text(body, "TaskStatus") or ""),
    )
