"""A run's journal in plain words, for the CLI, reports and pages."""

from workflows.engine.ports import Store
from workflows.model.journal import Entry, Kind
from workflows.model.keys import Cause, NodeKey
from workflows.model.run import Run


async def journal_lines(store: Store, node: NodeKey, cause: Cause) -> list[dict[str, str]]:
    """One line an entry, oldest first: time (ISO 8601 UTC), entry, step, why."""
    value = await store.get(f"run.{node}.{cause}")
    if value.data is None:
        return []
    run = Run.decode(value.data)
    lines = []
    for found in await store.list(f"journal.{node}.{cause}.>"):
        if found.data is None:
            continue
        entry = Entry.decode(found.data)
        known = entry.kind is not Kind.CLAIMED and entry.step < len(run.steps)
        step = run.steps[entry.step].name if known else ""
        who = f" by {entry.person}" if entry.person else ""
        lines.append(
            {
                "time": found.time.isoformat(timespec="seconds"),
                "entry": f"{entry.kind.value}{who}",
                "step": step,
                "why": entry.reason,
            }
        )
    return lines
