"""How things look in a terminal: tables for people, JSON for programs. Names come from outside, so markup is escaped."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontends.expected import Progress
from frontends.read_model import NodeView, overdue
from frontends.stuck import Stuck
from workflows.model.command import CommandOutcome
from workflows.model.status import NodeState
from workflows.model.stranger import Stranger

COLOUR = {
    NodeState.IN_SERVICE: "green",
    NodeState.RUNNING: "cyan",
    NodeState.WAITING: "blue",
    NodeState.PARKED: "yellow",
    NodeState.HELD: "yellow",
    NodeState.FAILED: "red",
    NodeState.WOULD: "magenta",
    NodeState.IDLE: "dim",
}
SIGN = {
    NodeState.IN_SERVICE: "●",
    NodeState.RUNNING: "▶",
    NodeState.WAITING: "◌",
    NodeState.PARKED: "?",
    NodeState.HELD: "‖",
    NodeState.FAILED: "✗",
    NodeState.WOULD: "~",
    NodeState.IDLE: "·",
}

ORDER = tuple(NodeState(s) for s in ("failed", "parked", "held", "waiting", "running", "would", "idle", "in-service"))


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
    """A plain table; no header where no column has a name."""
    named = any(columns)
    made = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold", show_header=named
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else safe(cell) for cell in row))
    return made


def fleet_table(views: Sequence[NodeView], now: datetime) -> Table:
    """One row a node: what it does, for how long, how long it takes usually, why it waits, what comes next."""
    rows: list[list[str | Text]] = []
    for view in views:
        status = view.status
        late, progress = overdue(status, now), view.progress(now)
        sign, colour = ("!", "yellow") if view.blocked else (SIGN[status.state], COLOUR[status.state])
        state = Text(f"{sign} {status.state.value}{' overdue' if late else ''}", colour)
        step = f"{status.step} {status.step_index + 1}/{status.step_count}" if status.step and status.step_count else ""
        rows.append(
            [
                safe(view.desired.label),
                view.desired.rack or "",
                state,
                status.workflow if status.run or status.state is NodeState.WOULD else "",
                step,
                _time(progress),
                left_words(progress),
                view.why,
                view.next_action,
            ]
        )
    title = ", ".join(f"{number} {state}" for state, number in _counts(views)) if len(views) > 1 else ""
    return table(title, ("node", "rack", "state", "workflow", "step", "for", "left", "why", "next"), rows)


def _counts(views: Sequence[NodeView]) -> list[tuple[NodeState, int]]:
    """How many nodes are in each state, what needs somebody first."""
    number = Counter(v.status.state for v in views)
    return [(state, number[state]) for state in ORDER if number[state]]


def _time(progress: Progress) -> str:
    """How long the step takes so far, and how long it takes usually."""
    if progress.elapsed is None:
        return ""
    usual = f" of ~{elapsed(progress.expected.step)}" if progress.expected is not None else ""
    return f"{elapsed(progress.elapsed)}{usual}"


def left_words(progress: Progress) -> str:
    """How long the run still takes, with the range; that it takes longer than ever, where no past run took so long."""
    if progress.left is None:
        return ""
    if progress.unheard_of:
        return f"~{elapsed(progress.left)}, longer than ever"
    least, most = progress.between or (progress.left, progress.left)
    return f"~{elapsed(progress.left)}" + (f" ({elapsed(least)}–{elapsed(most)})" if least != most else "")


def wish_table(view: NodeView) -> Table:
    """What the inventory says of a node, and what is wrong with it."""
    wish, status = view.desired, view.status
    profile = wish.profile
    addresses = ", ".join(a.cidr for i in wish.interfaces for a in i.addresses)
    said = {
        "node key": f"{wish.node}, generation {wish.generation}",
        "status": f"{wish.status}{', protected' if wish.protected else ''}",
        "serial": wish.serial or "none",
        "BMC": wish.bmc.address if wish.bmc else "none",
        "addresses": addresses or "none",
        "profile": f"{profile.sku.name} + {profile.release.name} ({profile.won_by})" if profile else "none",
        "accepted": f"{status.accepted_run} at {status.accepted_at:%Y-%m-%d %H:%M}Z" if status.accepted_at else "never",
    }
    rows = [*said.items(), *(("problem", p) for p in wish.problems)]
    return table("wish", ("", ""), rows)


def stuck_table(found: Sequence[Stuck], now: datetime) -> Table:
    """One row a node that waits past its deadline."""
    rows: list[list[str | Text]] = []
    for each in found:
        status = each.view.status
        state = Text(f"{SIGN[status.state]} {status.state.value}", COLOUR[status.state])
        since = f"{elapsed(now - status.since)} ago" if status.since is not None else ""
        step = f"{status.workflow} {status.step}".strip()
        late = elapsed(now - each.deadline)
        rows.append([safe(each.view.desired.label), state, step, since, late, status.reason, each.next_action])
    return table("", ("node", "state", "step", "since", "overdue for", "why", "next"), rows)


def strangers_table(seen: Sequence[Stranger], now: datetime) -> Table:
    """Who asked to boot and is nobody's node."""
    rows = [[s.mac, s.serial, s.uuid, f"{elapsed(now - s.last)} ago", str(s.times), s.why] for s in seen]
    return table("asked to boot, and no node fits", ("MAC", "serial", "UUID", "last", "times", "why"), rows)


def print_outcome(outcome: CommandOutcome) -> None:
    """What a command came to in one line, then node by node."""
    out = console()
    out.print(safe(f"command {outcome.sequence}: {outcome.text}"), soft_wrap=True)
    rows = [[n.label, "taken" if n.accepted else "refused", n.text] for n in outcome.nodes]
    if rows:
        out.print(table("", ("node", "", ""), rows))


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
