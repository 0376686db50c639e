"""What a BMC shows of its machine: the out-of-band inventory, as data. Texts are the BMC's own, cut and printable."""

from enum import StrEnum
from uuid import UUID

from workflows.model.record import Record

PLACEHOLDERS = frozenset(
    {
        "",
        "0123456789",
        "1234567890",
        "default string",
        "empty",
        "n/a",
        "na",
        "nil",
        "none",
        "not available",
        "not present",
        "not specified",
        "null",
        "system serial number",
        "to be filled by o.e.m.",
        "unknown",
    }
)
"""What firmware shows where nobody filled in a serial, or a version is not known: it names nothing."""

PLACEHOLDER_UUIDS = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
    }
)
"""UUIDs that many boards share; the last one is AMI's default."""


def known(text: str | None) -> str | None:
    """The text, or None where it is a placeholder."""
    return None if (text or "").strip().lower() in PLACEHOLDERS else text


def real_serial(text: str | None) -> str | None:
    """The serial, or None where it is a placeholder that names no machine."""
    stripped = known((text or "").strip())
    return stripped if stripped and stripped.strip("0- .") else None


def real_uuid(text: str | None) -> str | None:
    """The UUID in lower case, or None where many boards share it."""
    lower = (text or "").strip().lower()
    return lower if lower and lower not in PLACEHOLDER_UUIDS else None


def same_uuid(one: str, other: str) -> bool:
    """Whether two UUIDs are the same board's: SMBIOS before 2.6 and some BMCs show the first three fields swapped.

    Source: DMTF DSP0134, 7.2.1 (System UUID), on the byte order of the first three fields.
    """
    try:
        a, b = UUID(one), UUID(other)
    except ValueError:
        return False
    return b.bytes in (a.bytes, a.bytes_le)


class PartKind(StrEnum):
    """What a part is, as profiles name it."""

    CPU = "cpu"
    DIMM = "dimm"
    GPU = "gpu"
    NIC = "nic"
    DISK = "disk"
    PSU = "psu"


class PcieLink(Record):
    """The PCIe link as it was negotiated: what a riser of an older generation slows is seen here."""

    generation: int
    lanes: int | None = None

    def __str__(self) -> str:
        return f"PCIe Gen{self.generation}" + (f" x{self.lanes}" if self.lanes is not None else "")


class Part(Record):
    """One part of a machine. ``place`` is where it sits, as the BMC labels it."""

    name: str
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    place: str | None = None
    pcie: PcieLink | None = None

    @property
    def where(self) -> str:
        """Where a person finds it: its place, else the name that the BMC gives it."""
        return self.place or self.name


class Cpu(Part):
    """One processor in its socket."""

    cores: int | None = None


class Dimm(Part):
    """One memory module; ``size`` in bytes."""

    size: int | None = None


class Gpu(Part):
    """One GPU."""

    part: str | None = None


class Nic(Part):
    """One network adapter. ``macs`` are lower case with colons, ``guids`` InfiniBand port GUIDs: ``0x`` and 16 digits."""

    macs: tuple[str, ...] = ()
    guids: tuple[str, ...] = ()


class Disk(Part):
    """One drive; ``size`` in bytes."""

    size: int | None = None


class Psu(Part):
    """One power supply; ``watts`` is what it can give."""

    watts: int | None = None


class Slot(Record):
    """A place for a part that holds none, as the BMC shows it."""

    kind: PartKind
    place: str


class Firmware(Record):
    """One firmware and its version. ``path`` is its resource, by which an update names it; empty where there is none."""

    name: str
    version: str
    path: str = ""


class Sensor(Record):
    """One reading of a sensor, as text with its unit; ``state`` is the BMC's judgement."""

    name: str
    reading: str
    state: str = ""


class OtherSystem(Record):
    """A System that the BMC shows and that isn't the machine, and why it isn't."""

    path: str
    why: str


class BootShown(Record):
    """The boot override. ``allowed`` targets as the BMC names them; ``network`` is the one a network boot would use.

    ``settings`` is the resource that takes changes, where it isn't the System itself.
    """

    enabled: str | None = None
    target: str | None = None
    mode: str | None = None
    allowed: tuple[str, ...] = ()
    network: str | None = None
    settings: str | None = None


class SessionsShown(Record):
    """Whether the BMC knows sessions; ``timeout`` in seconds of idleness; ``said`` where one could not be opened."""

    supported: bool
    timeout: int | None = None
    said: str = ""


class HardwareReport(Record):
    """One machine as its BMC shows it.

    ``system`` is the machine's resource and ``why`` says how it was told from ``others``. ``chassis`` and ``board`` are the
    serials of the enclosure and of the main board, where they are other ones than the machine's. ``boot_macs`` are the MACs
    of the interfaces that the host has, ``empty`` the places without a part, ``settings`` the BIOS attributes. ``quirks``
    are sentences, ``findings`` are matters of security, and ``gaps`` says what could not be read: nothing is left out in
    silence.
    """

    protocol: str
    address: str
    system: str = ""
    why: str = ""
    others: tuple[OtherSystem, ...] = ()
    vendor: str = ""
    model: str = ""
    serial: str | None = None
    uuid: str | None = None
    chassis: str | None = None
    board: str | None = None
    power: str = "unknown"
    bios: str | None = None
    bmc: str | None = None
    boot: BootShown = BootShown()
    resets: tuple[str, ...] = ()
    boot_macs: tuple[str, ...] = ()
    cpus: tuple[Cpu, ...] = ()
    dimms: tuple[Dimm, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    nics: tuple[Nic, ...] = ()
    disks: tuple[Disk, ...] = ()
    psus: tuple[Psu, ...] = ()
    empty: tuple[Slot, ...] = ()
    firmware: tuple[Firmware, ...] = ()
    settings: dict[str, bool | int | str] = {}
    sensors: tuple[Sensor, ...] = ()
    virtual_media: bool = False
    sessions: SessionsShown = SessionsShown(supported=False)
    quirks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    def parts(self, kind: PartKind) -> tuple[Part, ...]:
        """The parts of a kind."""
        listed: dict[PartKind, tuple[Part, ...]] = {
            PartKind.CPU: self.cpus,
            PartKind.DIMM: self.dimms,
            PartKind.GPU: self.gpus,
            PartKind.NIC: self.nics,
            PartKind.DISK: self.disks,
            PartKind.PSU: self.psus,
        }
        return listed[kind]


class LogLine(Record):
    """One line of a BMC's event log; ``time`` as the BMC wrote it."""

    time: str
    severity: str
    text: str
    log: str = ""
