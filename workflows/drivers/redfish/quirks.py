"""What each vendor's BMC does differently, as data: one named set a vendor, chosen by what the BMC says it is.

A quirk is here only where a public source or a recorded tree shows it; everything else goes by the standard, so a vendor
whom nobody has met yet is served by ``STANDARD``. What every BMC can do (two Systems, a settings object, ActionInfo, a
missing ETag) is no quirk: the driver reads it from the resources.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from workflows.model.record import Json


@dataclass(frozen=True, slots=True)
class Quirks:
    """How one vendor's BMC differs.

    ``serial``: the System's property with the serial of the machine's label. ``mode``: the boot mode that must go with each
    boot override. ``strong_etags``: If-Match takes no weak ETag, so its ``W/`` is left out. ``busy``: ends of message ids
    that mean *not now*. ``kept``: how ids of firmware begin that lies ready or was replaced. ``says``: each difference in a
    sentence, as ``bringup bmc show`` prints it.
    """

    name: str
    serial: str = "SerialNumber"
    mode: str | None = None
    strong_etags: bool = False
    busy: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


STANDARD = Quirks("standard")

DELL = Quirks(
    "Dell iDRAC",
    serial="SKU",
    busy=("SYS011", "SYS518", "LC068", "RAC0679"),
    kept=("Previous-", "Available-"),
    says=(
        "the serial is the service tag, which stands in SKU",
        "changes are refused while jobs are pending (SYS011, LC068, RAC0679): that is waited for",
        "at most 8 sessions",
        "firmware is listed also where it was replaced or lies ready; only what is installed is shown",
    ),
)
"""Message ids: sushy's ``oem/dell/constants.py`` and ``connector.py``; SYS011 in quadsproject/quads issue 726.

Ids of firmware: Dell's iDRAC9 Redfish API guide, FirmwareInventory.
"""

HPE = Quirks(
    "HPE iLO",
    busy=("UnableToModifyDuringSystemPOST", "ServerInPost", "InvalidOperationForSystemState"),
    says=(
        "changes are refused during POST and in some states of power: that is waited for",
        "connections are not used twice, because iLO resets them",
        "a wrong password is answered with 400 instead of 401",
    ),
)
"""InvalidOperationForSystemState: sushy's ``connector.py``; the others are of HPE's iLO message registry."""

LENOVO = Quirks(
    "Lenovo XCC",
    strong_etags=True,
    says=("a weak ETag is refused in If-Match, so it is sent without W/",),
)
"""sushy's ``connector.py``, ``_etag_handler``, found on SE450 and SD630; here it is known beforehand, not retried."""

SUPERMICRO = Quirks(
    "Supermicro",
    mode="UEFI",
    says=("a boot override without a mode falls back to legacy, so UEFI is sent with it",),
)
"""DMTF/Redfishtool pull request 106."""

NVIDIA_DGX = Quirks(
    "NVIDIA DGX (AMI)",
    says=("the System itself takes no boot change, its settings object does, with If-Match",),
)
"""The recorded DGX H100; DMTF/Redfish-Tacklebox issue 144 has the refusal."""

NVIDIA_GB200 = Quirks(
    "NVIDIA GB200/GH200 (OpenBMC)",
    says=(
        "the System shows no serial: the serial is that of the chassis that holds it",
        "the settings object has no ETag",
    ),
)
"""The recorded GB200 tray."""

OPENBMC = Quirks("OpenBMC", says=("UefiHttp is not among its boot targets, so a network boot is Pxe",))
"""The targets of bmcweb, which the recorded GB200 tray shows."""

_BY_NAME = (
    ("dell", DELL),
    ("hpe", HPE),
    ("hewlett", HPE),
    ("lenovo", LENOVO),
    ("supermicro", SUPERMICRO),
    ("super micro", SUPERMICRO),
)


def quirks_of(root: dict[str, Json], system: dict[str, Json]) -> Quirks:
    """The set for a BMC, by the root's vendor, product and OEM sections and the System's manufacturer.

    Supermicro's root names no vendor; AMI's names AMI on machines of many makers, and the System names those.
    """
    oem = root.get("Oem")
    names = [
        *_texts(root, "Vendor", "Product"),
        *(oem if isinstance(oem, dict) else ()),
        *_texts(system, "Manufacturer"),
    ]
    said = " ".join(str(name).lower() for name in names)
    for word, quirks in _BY_NAME:
        if word in said:
            return quirks
    if "nvidia" in said:
        return NVIDIA_DGX if "ami" in said.split() else NVIDIA_GB200
    return OPENBMC if "openbmc" in said else STANDARD


ALL_BUSY = tuple(message for quirks in (DELL, HPE) for message in quirks.busy)
"""Busy messages of all vendors: their ids are unmistakable, so a refusal is read without knowing the vendor."""


def _texts(body: dict[str, Json], *names: str) -> Iterable[str]:
    return (value for name in names if isinstance(value := body.get(name), str))
