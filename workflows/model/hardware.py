"""What a BMC shows of its machine: the out-of-band inventory, as data. Texts are the BMC's own, cut and printable."""

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


class Gpu(Record):
    """One GPU. ``place`` is where it sits, as the BMC labels it."""

    name: str
    model: str | None = None
    serial: str | None = None
    part: str | None = None
    firmware: str | None = None
    place: str | None = None


class Nic(Record):
    """One network adapter. ``macs`` are lower case with colons."""

    name: str
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    place: str | None = None
    macs: tuple[str, ...] = ()


class Disk(Record):
    """One drive; ``size`` in bytes."""

    name: str
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    place: str | None = None
    size: int | None = None


class Firmware(Record):
    """One firmware and its version."""

    name: str
    version: str


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

    ``system`` is the machine's resource and ``why`` says how it was told from ``others``. ``boot_macs`` are the MACs of the
    interfaces that the host has. ``quirks`` are sentences, ``findings`` are matters of security, and ``gaps`` says what
    could not be read: nothing is left out in silence.
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
    power: str = "unknown"
    bios: str | None = None
    bmc: str | None = None
    boot: BootShown = BootShown()
    resets: tuple[str, ...] = ()
    boot_macs: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    nics: tuple[Nic, ...] = ()
    disks: tuple[Disk, ...] = ()
    firmware: tuple[Firmware, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    virtual_media: bool = False
    sessions: SessionsShown = SessionsShown(supported=False)
    quirks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class LogLine(Record):
    """One line of a BMC's event log; ``time`` as the BMC wrote it."""

    time: str
    severity: str
    text: str
    log: str = ""
