"""The outcome, brought to NetBox: status within its class, custom fields, and one NetBox journal entry a run.

Theory of operation. Level-triggered: what NetBox should show is computed from ``status.<node>`` and compared with what it
shows; only a difference is written. The custom field *run* holds the newest run that was told (``g7 succeeded``). The
device's status is written only together with a change of that field, once a run: afterwards it is people's again, so that
one who sets ``staged`` once more isn't overruled. A NetBox restored from a backup shows an older run and is told again.
The journal entry comes first, and is not written where one names the run: a crash in between doubles nothing. What NetBox
shows of accepted runs is never emptied: it is the outside witness when our own store was lost.

What a machine's identity should be changed to stands in the status, too (``inventory_sync/identity.py``): what a person
approved is brought while that run waits for it, blanks are filled once, together with the run's outcome.
"""

import logging
from dataclasses import dataclass
from typing import Any

from inventory_sync.api import NetBoxApi, Row
from inventory_sync.identity import allowed, of_device, tell_interfaces
from inventory_sync.parts import tell_parts
from inventory_sync.reader import DeviceRecord
from inventory_sync.settings import SyncSettings
from workflows.model.desired import Desired, Intent
from workflows.model.errors import Refused
from workflows.model.hardware import HardwareReport
from workflows.model.identity import IdentityChange
from workflows.model.journal import Outcome
from workflows.model.status import NodeState, NodeStatus

log = logging.getLogger(__name__)

_DEVICE = "dcim.device"
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """A NetBox journal entry. ``mark`` is the part by which it is found again."""

    kind: str
    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs: the body of a PATCH, and the entries that explain it."""

    patch: dict[str, Any]
    entries: tuple[Entry, ...]


def difference(device: Row, wish: Desired, status: NodeStatus, settings: SyncSettings) -> Change | None:
    """What NetBox should show and doesn't. Pure."""
    names = settings.fields
    told = f"{status.cause} {status.outcome}" if status.cause and status.outcome else None
    fields = {
        names.state: status.state.value if status.state is not NodeState.IDLE else None,
        names.message: _message(wish, status)[:_LONGEST] or None,
        names.run: told,
        names.accepted_run: status.accepted_run or None,
        names.accepted_at: status.accepted_at.isoformat(timespec="seconds") if status.accepted_at else None,
        names.report: status.report or None,
    }
    shown = {name: device["custom_fields"].get(name) for name in fields}
    for witness in (names.run, names.accepted_run, names.accepted_at, names.report):
        fields[witness] = fields[witness] or shown[witness]
    differing = {name: value for name, value in fields.items() if value != shown[name]}
    learned = of_device(device, learns(device, status, settings), settings)
    if not differing and not learned:
        return None
    patch: dict[str, Any] = learned | {"custom_fields": differing | learned.get("custom_fields", {})}
    entries = []
    if learned and not status.outcome:
        entries.append(_of_identity(status))
    if names.run in differing:
        target = _status(wish, status, settings)
        if target is not None and target != device["status"]["value"]:
            patch["status"] = target
        entries.append(_of_run(wish, status))
    if names.message in differing and _shows_problems(wish, status):
        problems = fields[names.message] or ""
        entries.append(Entry("warning", problems, f"bringup can't serve this device: {problems}"))
    patch["changelog_message"] = f"bringup: {told or status.state.value}"[:200]
    return Change(patch, tuple(entries))


def learns(device: Row, status: NodeStatus, settings: SyncSettings) -> list[IdentityChange]:
    """What NetBox should learn of the machine now: of an open run always, of one that ended once, with its outcome."""
    told = device["custom_fields"].get(settings.fields.run) == f"{status.cause} {status.outcome}"
    return [] if told and status.outcome else allowed(status.identity, settings)


def learns_parts(device: Row, status: NodeStatus, settings: SyncSettings) -> bool:
    """Whether the machine's parts are to be brought now: once a run that ended well, where the site lets us fill blanks."""
    told = device["custom_fields"].get(settings.fields.run) == f"{status.cause} {status.outcome}"
    return settings.fill_blanks and bool(status.inventory) and status.outcome == Outcome.SUCCEEDED and not told


async def write_back(
    api: NetBoxApi,
    record: DeviceRecord,
    wish: Desired,
    status: NodeStatus,
    settings: SyncSettings,
    seen: HardwareReport | None = None,
) -> bool:
    """Bring the outcome of one node to NetBox; returns whether anything was written. Interfaces and parts come first.

    ``seen`` is the machine as its run saw it, where ``learns_parts`` asks for it.

    Raises:
        Unreachable, Refused: as ``NetBoxApi`` does.
        Conflict: a person changed the device since it was read; nothing of the person's is overwritten.
    """
    device = record.device
    change = difference(device, wish, status, settings)
    written = await _tell_addresses(api, record, learns(device, status, settings))
    more = await _tell_parts(api, device["id"], status, seen) if seen is not None else ()
    if change is None:
        return written > 0
    about = {"assigned_object_type": _DEVICE, "assigned_object_id": device["id"]}
    for entry in (*change.entries, *more):
        newest = await api.page("extras/journal-entries", 20, ordering="-created", **about)
        if not any(entry.mark in row["comments"] for row in newest):
            await api.create("extras/journal-entries", about | {"kind": entry.kind, "comments": entry.text})
    await api.update("dcim/devices", device["id"], change.patch, seen=device)
    return True


async def _tell_addresses(api: NetBoxApi, record: DeviceRecord, changes: list[IdentityChange]) -> int:
    """Addresses that NetBox refuses, because our token may not write them, hold up no outcome."""
    try:
        return await tell_interfaces(api, record.interfaces, changes)
    except Refused as error:
        log.warning("addresses not written to NetBox: %s", error)
        return 0


async def _tell_parts(api: NetBoxApi, device: int, status: NodeStatus, seen: HardwareReport) -> tuple[Entry, ...]:
    """Fill what is blank; what differs is told. What NetBox refuses holds up no outcome."""
    try:
        differs = (await tell_parts(api, device, seen)).differs
    except Refused as error:
        log.warning("parts not written to NetBox: %s", error)
        return ()
    if not differs:
        return ()
    mark = f"parts seen by run `{status.run}`"
    shown = "\n".join(f"- {line}" for line in differs[:50])
    return (Entry("warning", mark, f"**{len(differs)} parts differ**, {mark}; nothing was changed\n\n{shown}"),)


def _message(wish: Desired, status: NodeStatus) -> str:
    """One line for the device's page: what goes on and what comes next, else what is wrong with the record."""
    if _shows_problems(wish, status):
        return " ".join(f"{p[0].upper()}{p[1:]}." for p in wish.problems)
    where = f"{status.step}: " if status.step and status.outcome == "" else ""
    text = f"{where}{status.reason}" if status.reason else ""
    return f"{text} Next: {status.next_action}" if text and status.next_action else text


def _shows_problems(wish: Desired, status: NodeStatus) -> bool:
    """Whether what is wrong with the record is what people should see: nothing else goes on, and no failure stands there."""
    return bool(wish.problems) and status.state in (NodeState.IDLE, NodeState.IN_SERVICE, NodeState.WOULD)


def _status(wish: Desired, status: NodeStatus, settings: SyncSettings) -> str | None:
    """The status that tells the outcome; None where the device isn't in the class that bringup may move within."""
    if wish.intent is not Intent.SERVE:
        return None
    match status.state:
        case NodeState.IN_SERVICE:
            target = settings.accepted_status
        case NodeState.FAILED:
            target = settings.failed_status
        case _:
            return None
    return target if settings.statuses.get(target) is Intent.SERVE else None


def _of_identity(status: NodeStatus) -> Entry:
    mark = f"identity by run `{status.run}`"
    lines = [f"**taken over with approval**, {mark}", "", *(f"- {change}" for change in status.identity)]
    return Entry("info", mark, "\n".join(lines))


def _of_run(wish: Desired, status: NodeStatus) -> Entry:
    mark = f"`{status.run or wish.node}`"
    good = status.outcome == "succeeded"
    lines = [f"**{status.workflow or 'run'} {status.outcome}** · run {mark}"]
    if status.reason and not good:
        lines.append(f"\n{status.reason}" + (f" Next: {status.next_action}" if status.next_action else ""))
    if status.timings:
        lines += ["", "| step | seconds | attempts |", "|---|---:|---:|"]
        lines += [f"| {t.step} | {t.seconds:.1f} | {t.attempts} |" for t in status.timings]
        lines += ["", f"{sum(t.seconds for t in status.timings):.0f} s in all"]
    if status.software and good:
        lines += ["", f"software: {status.software}"]
    if status.report:
        lines += ["", f"evidence `{status.report}`"]
    return Entry("success" if good else "danger", mark, "\n".join(lines))
