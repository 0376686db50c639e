"""Firmware of a lab BMC: its inventory, and updates by URL (SimpleUpdate) or by a multipart push, each a task.

The version that an image brings stands in its name: the last part between a dash and the suffix, ``bmc-2.0.bin``.
"""

import json
import re
from collections.abc import Callable

from aiohttp import BodyPartReader, web

from lab.bmc.bodies import ROOT, Body, link, listed, resource
from lab.bmc.replies import Call, refused
from lab.bmc.tasks import Tasks
from lab.bmc.traits import Traits
from workflows.model.record import Json

UPDATE_SERVICE = f"{ROOT}/UpdateService"
INVENTORY = f"{UPDATE_SERVICE}/FirmwareInventory"
_SIMPLE = f"{UPDATE_SERVICE}/Actions/UpdateService.SimpleUpdate"
_PUSH = f"{UPDATE_SERVICE}/update-multipart"
_NAME = re.compile(r"-([^-/]+)\.\w+$")


class Update:
    """Implements ``Service``. ``versions`` by the id of the firmware; ``fails`` says whether an update goes wrong now."""

    def __init__(self, traits: Traits, tasks: Tasks, fails: Callable[[], bool]):
        self.versions = dict(traits.parts.firmware)
        self.bytes_pushed = 0
        self._traits, self._tasks, self._fails = traits, tasks, fails

    def bodies(self) -> dict[str, Body]:
        """The service and the inventory."""
        service = resource(
            UPDATE_SERVICE,
            "UpdateService.v1_11_0",
            "Update Service",
            ServiceEnabled=True,
            FirmwareInventory=link(INVENTORY),
        )
        if "simple" in self._traits.push:
            allowed: Json = ["HTTP", "HTTPS"]
            action: Json = {"target": _SIMPLE, "TransferProtocol@Redfish.AllowableValues": allowed}
            service["Actions"] = {"#UpdateService.SimpleUpdate": action}
        if "multipart" in self._traits.push:
            service["MultipartHttpPushUri"] = _PUSH
        firmware = [
            resource(f"{INVENTORY}/{name}", "SoftwareInventory.v1_4_0", name, Version=version, Updateable=True)
            for name, version in self.versions.items()
        ]
        return {UPDATE_SERVICE: service} | listed(INVENTORY, "SoftwareInventory", firmware)

    async def write(self, call: Call) -> web.StreamResponse | None:
        """Begin an update."""
        if call.verb != "POST":
            return None
        if call.path == _SIMPLE and "simple" in self._traits.push:
            body = await call.body()
            return self._begin(body.get("ImageURI"), body.get("Targets"))
        if call.path == _PUSH and "multipart" in self._traits.push:
            return await self._pushed(call.request)
        return None

    async def _pushed(self, request: web.Request) -> web.Response:
        if not request.content_type.startswith("multipart/"):
            return refused(400, "MalformedJSON", "A multipart body is wanted.")
        targets: Json = None
        name: str | None = None
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "UpdateParameters":
                targets = _targets(await part.read())
            elif part.name == "UpdateFile":
                name = part.filename
                while chunk := await part.read_chunk():
                    self.bytes_pushed += len(chunk)
        return self._begin(name, targets)

    def _begin(self, image: Json, targets: Json) -> web.Response:
        found = _NAME.search(image) if isinstance(image, str) else None
        if found is None:
            return refused(400, "ActionParameterMissing", "ImageURI is missing, or its name tells no version.")
        named = [str(t).rsplit("/", 1)[-1] for t in targets] if isinstance(targets, list) else []
        wanted = named or [next(iter(self.versions))]
        if set(wanted) - self.versions.keys():
            return refused(400, "ActionParameterNotSupported", "Targets names a firmware that is not there.")

        def finish() -> bool:
            if self._fails():
                return False
            self.versions |= dict.fromkeys(wanted, found[1])
            return True

        return self._tasks.accepted(
            self._tasks.run(f"Update of {', '.join(wanted)}", self._traits.update_seconds, finish)
        )


def _targets(parameters: bytes) -> Json:
    try:
        body = json.loads(parameters)
    except ValueError:
        return None
    return body.get("Targets") if isinstance(body, dict) else None
