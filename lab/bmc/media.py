"""Virtual media of a lab BMC: an image by its URL in a drive that the machine can boot from."""

from aiohttp import web

from lab.bmc.bodies import Body, listed, resource
from lab.bmc.replies import Call, done, refused


class Media:
    """Implements ``Service`` below a System. ``image`` is the URL of what is inserted."""

    def __init__(self, system: str):
        self.image: str | None = None
        self._collection = f"{system}/VirtualMedia"
        self._path = f"{self._collection}/Cd"

    def bodies(self) -> dict[str, Body]:
        """The one drive."""
        actions: Body = {
            f"#VirtualMedia.{act}": {"target": f"{self._path}/Actions/VirtualMedia.{act}"}
            for act in ("InsertMedia", "EjectMedia")
        }
        drive = resource(
            self._path, "VirtualMedia.v1_6_0", "Virtual CD",
            MediaTypes=["CD", "DVD"], Image=self.image, Inserted=self.image is not None, WriteProtected=True,
            ConnectedVia="URI" if self.image else "NotConnected", Actions=actions,
        )  # fmt: skip
        return listed(self._collection, "VirtualMedia", [drive])

    async def write(self, call: Call) -> web.StreamResponse | None:
        """Insert an image, or take it out."""
        match call.path.removeprefix(f"{self._path}/Actions/VirtualMedia."), call.verb:
            case "InsertMedia", "POST":
                image = (await call.body()).get("Image")
                if not isinstance(image, str) or "://" not in image:
                    return refused(400, "ActionParameterMissing", "Image is missing, or no URL.")
                if self.image is not None:
                    return refused(409, "ResourceInUse", "Media is inserted already.")
                self.image = image
                return done()
            case "EjectMedia", "POST":
                self.image = None
                return done()
        return None
