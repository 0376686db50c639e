"""What the inventory should learn of a machine: one field with its old and its new value. Data."""

from enum import StrEnum

from workflows.model.record import Record


class IdentityField(StrEnum):
    """What a machine, or one of its interfaces, is told from others by."""

    SERIAL = "serial"
    UUID = "UUID"
    MAC = "MAC"
    GUID = "GUID"


class IdentityChange(Record):
    """One change. ``old`` is what the inventory shows now, None for a blank; else nothing is written.

    ``interface`` is the inventory's name of the interface, for MAC and GUID.
    """

    field: IdentityField
    interface: str = ""
    old: str | None = None
    new: str

    def __str__(self) -> str:
        where = f"{self.interface} " if self.interface else ""
        return f"{where}{self.field} {self.old or 'blank'} → {self.new}"
