"""Profile: the hardware that must be there (sku) plus the software that it gets (release), resolved and frozen.

A run carries a copy of its profile, so editing a profile file never changes a run that is alive.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.model.hardware import PartKind
from workflows.model.record import Json, Record

type Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Fence(StrEnum):
    """How a stale worker's BMC calls are kept out (design: Physical fences, 1)."""

    SESSION = "session"
    TIME = "time"


class BmcProtocol(StrEnum):
    """The protocol that a sku's BMC is driven with."""

    REDFISH = "redfish"
    IPMI = "ipmi"


class BootWay(StrEnum):
    """How firmware is told to boot something else than its disk, once."""

    HTTP = "uefi-http"
    PXE = "pxe"
    MEDIA = "virtual-media"


class DiskHint(Record):
    """Which disk gets the system. All given fields must match; exactly one disk must remain, else the run parks."""

    model: str | None = None
    serial: str | None = None
    wwn: str | None = None
    min_bytes: int | None = None
    max_bytes: int | None = None
    transport: str | None = None


class PartRule(Record):
    """Parts that must be there, as the BMC shows them: at least ``count`` of a kind.

    ``model`` is a part of the model's name in any case, ``min_bytes`` a disk's or a memory module's size, ``pcie`` and
    ``lanes`` the least that the link must have negotiated. ``places`` are where they belong, as the BMC labels it, so that a
    missing one can be named where the BMC shows no empty place.
    """

    kind: PartKind
    count: int = Field(ge=1, le=512)
    model: str | None = None
    min_bytes: int | None = Field(default=None, ge=1)
    pcie: int | None = Field(default=None, ge=1, le=9)
    lanes: int | None = Field(default=None, ge=1, le=32)
    places: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if self.min_bytes is not None and self.kind not in (PartKind.DIMM, PartKind.DISK):
            raise ValueError(f"min_bytes is for dimm and disk, a {self.kind} has no size")
        if self.lanes is not None and self.pcie is None:
            raise ValueError("lanes needs pcie, the generation of the link")
        if len(self.places) > self.count:
            raise ValueError(f"{len(self.places)} places are named for {self.count} parts")
        return self


type Setting = bool | int | str


class FirmwareRule(Record):
    """One firmware of the baseline. ``component``: the BMC's name of it, or a pattern (``HGX_FW_GPU_*``) for several.

    ``image`` is where workers fetch it (http or https), ``sha256`` what it must be: it is compared before anything is sent.
    """

    component: str = Field(min_length=1, max_length=200)
    version: str = Field(min_length=1, max_length=200)
    image: str = Field(pattern=r"^https?://", max_length=1000)
    sha256: Sha256


class Sku(Record):
    """The hardware that must be there. ``gpu_model`` is None for a sku without GPUs.

    ``parts`` is what its BMC must show before anything is wiped; none stated demands nothing. ``bios`` and ``firmware`` are
    the baseline: attributes by the BIOS' own names, and firmware in the order in which the vendor wants it updated.
    """

    name: str
    bmc: BmcProtocol = BmcProtocol.REDFISH
    fence: Fence = Fence.SESSION
    boot_ways: tuple[BootWay, ...] = (BootWay.HTTP, BootWay.PXE, BootWay.MEDIA)
    system_disk: DiskHint
    parts: tuple[PartRule, ...] = ()
    bios: dict[str, Setting] = Field(default_factory=dict, max_length=256)
    firmware: tuple[FirmwareRule, ...] = Field(default=(), max_length=16)
    gpu_model: str | None = None
    gpu_count: int = 0
    infiniband_ports: int = 0
    infiniband_rate_gbps: int | None = None
    burn_in_level: str = "gate"

    @property
    def has_baseline(self) -> bool:
        """Whether it names BIOS attributes or firmware."""
        return bool(self.bios or self.firmware)


class Image(Record):
    """A disk image by content. ``size`` is the compressed file, ``raw_size`` what lands on the disk, both in bytes."""

    name: str
    sha256: Sha256
    size: int
    raw_size: int
    raw_sha256: Sha256
    root_uuid: str = Field(description="UUID of the root file system in the image; the proof boot looks for it")


class Release(Record):
    """One tested set of software: an image and the variables of the roles.

    ``distribution`` is what the image holds, like ``debian-12``; the roles of GPU software need it said.
    """

    name: str
    image: Image
    distribution: str = ""
    roles: tuple[str, ...] = ("base", "storage_mounts")
    variables: dict[str, Json] = Field(default_factory=dict)


class Profile(Record):
    """What a run works with; ``won_by`` says which rule chose it (``bringup plan`` shows it)."""

    sku: Sku
    release: Release
    won_by: str = ""
