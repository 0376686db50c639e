"""How things look in a terminal: tables for people, JSON for programs. Names come from outside, so markup is escaped."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontends.read_model import NodeView, overdue
from workflows.model.command import CommandOutcome
from workflows.model.status import NodeState

_COLOUR = {
    NodeState.IN_SERVICE: "green",
    NodeState.RUNNING: "cyan",
    NodeState.WAITING: "blue",
    NodeState.PARKED: "yellow",
    NodeState.HELD: "yellow",
    NodeState.FAILED: "red",
    NodeState.WOULD: "magenta",
    NodeState.IDLE: "dim",
}
_SIGN = {
    NodeState.IN_SERVICE: "●",
    NodeState.RUNNING: "▶",
    NodeState.WAITING: "◌",
    NodeState.PARKED: "?",
    NodeState.HELD: "‖",
    NodeState.FAILED: "✗",
    NodeState.WOULD: "~",
    NodeState.IDLE: "·",
}


def console() -> Console:
    """Standard output; no colour where it isn't a terminal. Wide enough there that no table is cut."""
    return Console() if sys.stdout.isatty() else Console(width=200, color_system=None)


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")


def safe(text: str) -> Text:
    """Text from outside: no markup, no control characters."""
    return Text("".join(c if c.isprintable() else "�" for c in text))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> Table:
    """A plain table."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else safe(cell) for cell in row))
    return made


def fleet_table(views: Sequence[NodeView], now: datetime) -> Table:
    """One row a node: what it does, since when, why it waits, what comes next."""
    rows: list[list[str | Text]] = []
    for view in views:
        status = view.status
        late = overdue(status, now)
        state = Text(f"{_SIGN[status.state]} {status.state.value}{' overdue' if late else ''}", _COLOUR[status.state])
        step = f"{status.step} {status.step_index + 1}/{status.step_count}" if status.step and status.step_count else ""
        why = view.desired.problems[0] if view.desired.problems and not status.run else status.reason
        rows.append(
            [
                safe(view.desired.label),
                view.desired.rack or "",
                state,
                status.workflow if status.run or status.state is NodeState.WOULD else "",
                step,
                elapsed(now - status.since) if status.since and not status.outcome else "",
                why,
                status.next_action,
            ]
        )
    return table("", ("node", "rack", "state", "workflow", "step", "for", "why", "next"), rows)


def outcome_table(outcome: CommandOutcome) -> Table:
    """What a command came to, node by node."""
    rows = [[n.label, "taken" if n.accepted else "refused", n.text] for n in outcome.nodes]
    return table(f"command {outcome.sequence}: {outcome.text}", ("node", "", ""), rows)


def elapsed(duration: timedelta) -> str:
    """Two units are enough: 42s, 3m10s, 2h05m, 4d3h."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    if seconds < 86400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"
    return f"{seconds // 86400}d{seconds % 86400 // 3600}h"
