"""Old against new: what of a machine's identity differs from the inventory, and which parts were swapped. Pure.

A MAC or GUID belongs to an interface of the inventory, and the BMC knows nothing of that. So an address that is gone is
replaced only where there is no choice: the adapter that held it at the last inspection has one in the same place of its
list now, or exactly one is gone and exactly one is new. Anything else is left open, for a person to enter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workflows.model.desired import Desired, Interface
from workflows.model.hardware import HardwareReport, Nic, real_uuid, same_uuid
from workflows.model.identity import IdentityChange, IdentityField
from workflows.model.sku_gate import changes as part_changes


@dataclass(frozen=True, slots=True)
class Swap:
    """What differs. ``open`` are sentences about what can't be matched."""

    changes: tuple[IdentityChange, ...] = ()
    parts: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def follows(self) -> str:
        """The workflow that proves the machine again; empty where nothing differs."""
        return "reimage" if self.changes or self.parts or self.open else ""

    def lines(self) -> list[str]:
        """Each difference, as a person reads it."""
        return [*map(str, self.changes), *self.parts, *self.open]


def compare(wish: Desired, now: HardwareReport, known: HardwareReport | None) -> Swap:
    """The machine as its BMC shows it ``now`` against the inventory's record and what an earlier run kept of it.

    A UUID that the inventory doesn't name yet is a blank and no difference, unless the serial differs, too.
    """
    found: list[IdentityChange] = []
    if now.serial and not _same(now.serial, wish.serial):
        found.append(IdentityChange(field=IdentityField.SERIAL, old=wish.serial, new=now.serial))
    uuid = real_uuid(now.uuid)
    if uuid and not same_uuid(uuid, wish.uuid or "") and (wish.uuid is not None or found):
        found.append(IdentityChange(field=IdentityField.UUID, old=wish.uuid, new=uuid))
    macs, lost_macs = _addresses(_MACS, wish, now, known)
    guids, lost_guids = _addresses(_GUIDS, wish, now, known)
    parts = part_changes(now, known) if known is not None else ()
    return Swap((*found, *macs, *guids), (*_labels(now, known), *parts), (*lost_macs, *lost_guids))


def blanks(wish: Desired, now: HardwareReport) -> tuple[IdentityChange, ...]:
    """What the inventory doesn't say of the machine and its BMC does: the UUID, and addresses where there is no choice."""
    found: list[IdentityChange] = []
    uuid = real_uuid(now.uuid)
    if wish.uuid is None and uuid:
        found.append(IdentityChange(field=IdentityField.UUID, new=uuid))
    for kind in (_MACS, _GUIDS):
        found += _filled(kind, wish, now)
    return tuple(found)


def unlike(wish: Desired, now: HardwareReport) -> tuple[str, ...]:
    """Addresses in the inventory that the machine doesn't have, where its BMC shows any of their kind."""
    return tuple(
        f"{interface.name} {kind.field} {wanted} is on no adapter that the BMC shows"
        for kind in (_MACS, _GUIDS)
        if (there := kind.of(now))
        for interface in wish.interfaces
        if (wanted := kind.wanted(interface)) is not None and wanted not in there
    )


# --- addresses ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """MACs or GUIDs: how they are read from an interface of the inventory and from an adapter of the machine."""

    field: IdentityField
    wish: Callable[[Interface], str | None]
    adapter: Callable[[Nic], tuple[str, ...]]

    def wanted(self, interface: Interface) -> str | None:
        value = self.wish(interface)
        return value.lower() if value and _is_port(interface) else None

    def of(self, report: HardwareReport) -> tuple[str, ...]:
        own = report.boot_macs if self.field is IdentityField.MAC else ()
        return tuple(dict.fromkeys([*own, *(a for nic in report.nics for a in self.adapter(nic))]))


_MACS = _Kind(IdentityField.MAC, lambda interface: interface.mac, lambda nic: nic.macs)
_GUIDS = _Kind(IdentityField.GUID, lambda interface: interface.guid, lambda nic: nic.guids)


def _is_port(interface: Interface) -> bool:
    """Whether it is a port of the host: no VLAN on another one, and not the BMC's own."""
    return interface.parent is None and not interface.mgmt_only


def _addresses(
    kind: _Kind, wish: Desired, now: HardwareReport, known: HardwareReport | None
) -> tuple[list[IdentityChange], list[str]]:
    there = kind.of(now)
    if not there:
        return [], []
    ports = [(i, old) for i in wish.interfaces if (old := kind.wanted(i)) is not None]
    gone = [(i, old) for i, old in ports if old not in there]
    new = [a for a in there if a not in {old for _, old in ports} and (known is None or a not in kind.of(known))]
    found, open_ = [], []
    for interface, old in gone:
        only = new[0] if len(gone) == len(new) == 1 else None
        successor = _successor(kind, old, now, known) or only
        if successor is not None:
            found.append(IdentityChange(field=kind.field, interface=interface.name, old=old, new=successor))
        else:
            candidates = f"new there: {', '.join(new[:8])}" if new else "nothing new is there"
            open_.append(f"{interface.name} {kind.field} {old} is gone; {candidates}: enter it in the inventory")
    return found, open_


def _successor(kind: _Kind, old: str, now: HardwareReport, known: HardwareReport | None) -> str | None:
    """The address at the same place of the same adapter's list as the old one was."""
    for nic in known.nics if known is not None else ():
        listed = kind.adapter(nic)
        if old in listed:
            here = next((kind.adapter(n) for n in now.nics if n.where == nic.where), ())
            return here[listed.index(old)] if len(here) == len(listed) else None
    return None


def _filled(kind: _Kind, wish: Desired, now: HardwareReport) -> list[IdentityChange]:
    """Blank interfaces whose address is beyond doubt: an adapter has their name or place, or one is blank and one left."""
    bonds = {i.lag for i in wish.interfaces if i.lag}
    taken = {value for i in wish.interfaces if (value := kind.wish(i))}
    blank = [i for i in wish.interfaces if not i.mac and not i.guid and _is_port(i) and i.name not in bonds]
    left = [a for nic in now.nics for a in kind.adapter(nic) if a not in taken]
    found = []
    for interface in blank:
        named = [n for n in now.nics if interface.name.lower() in (n.name.lower(), (n.place or "").lower())]
        own = [a for n in named for a in kind.adapter(n) if a not in taken]
        sure = own if len(own) == 1 else left if len(blank) == len(left) == 1 else []
        if sure:
            found.append(IdentityChange(field=kind.field, interface=interface.name, new=sure[0]))
    return found


def _labels(now: HardwareReport, known: HardwareReport | None) -> Sequence[str]:
    """Serials of chassis and board, which the inventory has no field for."""
    if known is None:
        return ()
    pairs = (("chassis", known.chassis, now.chassis), ("board", known.board, now.board))
    return [f"{what} serial {old} before, {new} now" for what, old, new in pairs if old and new and old != new]


def _same(one: str, other: str | None) -> bool:
    return other is not None and one.strip().lower() == other.strip().lower()
