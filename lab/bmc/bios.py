"""BIOS attributes and Secure Boot of a lab BMC: both are changed now and hold from the next boot."""

from aiohttp import web

from lab.bmc.bodies import Body, link, resource
from lab.bmc.replies import Call, done, refused
from lab.bmc.tasks import Tasks
from workflows.model.record import Json

ATTRIBUTES: Body = {"BootMode": "Uefi", "SriovGlobalEnable": "Disabled", "ProcVirtualization": "Enabled"}


class Bios:
    """Implements ``Service`` below a System. With ``jobs``, a change of attributes is a job that the next boot does."""

    def __init__(self, system: str, tasks: Tasks, *, jobs: bool):
        self.attributes = dict(ATTRIBUTES)
        self.pending: Body = {}
        self.secure_boot = self._secure_boot_next = False
        self._path, self._settings, self._secure = f"{system}/Bios", f"{system}/Bios/Settings", f"{system}/SecureBoot"
        self._tasks, self._jobs = tasks, jobs

    def booted(self) -> None:
        """A boot makes what was changed hold."""
        self.attributes |= self.pending
        self.pending = {}
        self.secure_boot = self._secure_boot_next

    def bodies(self) -> dict[str, Body]:
        """Attributes, those that wait for a boot, Secure Boot."""
        now = "Enabled" if self.secure_boot else "Disabled"
        pointer: Json = {"@odata.type": "#Settings.v1_3_5.Settings", "SettingsObject": link(self._settings)}
        bios = resource(self._path, "Bios.v1_2_0", "BIOS", Attributes=dict(self.attributes))
        secure = resource(
            self._secure, "SecureBoot.v1_1_0", "UEFI Secure Boot",
            SecureBootEnable=self._secure_boot_next, SecureBootCurrentBoot=now, SecureBootMode="UserMode",
        )  # fmt: skip
        return {
            self._path: bios | {"@Redfish.Settings": pointer},
            self._settings: resource(self._settings, "Bios.v1_2_0", "Pending", Attributes=dict(self.pending)),
            self._secure: secure,
        }

    async def write(self, call: Call) -> web.StreamResponse | None:
        """Change attributes or Secure Boot."""
        if call.verb != "PATCH" or call.path not in (self._settings, self._secure):
            return None
        body = await call.body()
        if call.path == self._secure:
            wanted = body.get("SecureBootEnable")
            if not isinstance(wanted, bool):
                return refused(400, "PropertyMissing", "SecureBootEnable is missing.")
            self._secure_boot_next = wanted
            return done()
        attributes = body.get("Attributes")
        if not isinstance(attributes, dict) or attributes.keys() - self.attributes.keys():
            return refused(400, "PropertyUnknown", "Attributes is missing, or names one that is not there.")
        self.pending |= attributes
        return self._tasks.accepted(self._tasks.wait_for_boot("Configure: BIOS.Setup")) if self._jobs else done()
