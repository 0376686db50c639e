"""The machine's event log: which of a BMC's logs is meant, and its newest lines.

Vendors name it SEL, IML (HPE), PlatformLog (Lenovo) or EventLog, below the System or below its manager (LogService schema,
LogEntryType).
"""

from workflows.drivers.redfish.body import Body, link, members, part, text
from workflows.drivers.redfish.channel import Channel
from workflows.drivers.redfish.system import manager_path
from workflows.model.errors import Unsupported
from workflows.model.hardware import LogLine
from workflows.model.record import Json

MAX_PAGES = 50
_NAMES = ("sel", "iml", "platformlog", "eventlog", "log1")


async def newest_events(channel: Channel, system: Body, limit: int) -> tuple[LogLine, ...]:
    """The newest lines, oldest first; at most ``limit``. Raises Unsupported where the BMC shows no log."""
    path = manager_path(system)
    manager = await channel.find(path)
    logs = [p for body in (system, manager) for p in members(await channel.find(link(body.get("LogServices"))))]
    bodies = [await channel.find(p) for p in logs[:16]]
    ranked = sorted((b for b in bodies if link(b.get("Entries")) is not None), key=_rank)
    if not ranked:
        raise Unsupported(f"{channel.name} shows no event log of its machine")
    name = text(ranked[0], "Id") or "log"
    entries: list[Json] = []
    page, pages = link(ranked[0].get("Entries")), 0
    while page is not None and pages < MAX_PAGES:
        body, pages = await channel.get(page), pages + 1
        listed = body.get("Members")
        entries = (entries + listed if isinstance(listed, list) else entries)[-max(limit, 2000) :]
        following = body.get("Members@odata.nextLink")
        page = following if isinstance(following, str) and following.startswith("/redfish/") else None
    entries = _oldest_first(entries)[-limit:]
    whole = [e if len(e) > 1 else await channel.get(p) for e in entries if isinstance(e, dict) and (p := link(e))]
    return tuple(_line(entry, name) for entry in whole)


def _rank(log: Body) -> tuple[bool, int]:
    name = (text(log, "Id") or "").lower()
    return log.get("LogEntryType") != "SEL", _NAMES.index(name) if name in _NAMES else len(_NAMES)


def _oldest_first(entries: list[Json]) -> list[Json]:
    """Some BMCs list the newest first; told by the time of the ends, both written alike."""
    ends = [text(e, "Created") or "" for e in (entries[:1] + entries[-1:]) if isinstance(e, dict)]
    return entries[::-1] if len(ends) == 2 and ends[0] > ends[1] else entries


def _line(entry: Body, log: str) -> LogLine:
    return LogLine(
        time=text(entry, "Created") or "",
        severity=text(entry, "Severity") or text(part(entry, "Status"), "Health") or "",
        text=text(entry, "Message") or text(entry, "Description") or text(entry, "Name") or "",
        log=log,
    )
