"""A run's log in plain words: what its tools said, line by line, with the server's time and the step.

Theory of operation. Lines are published without waiting, so the last ones may arrive a moment after the run's end stands in
its status. ``follow`` therefore looks once more, a moment after it has seen the end. It asks for what came after the last
line it has, so nothing is shown twice; a line that was lost on its way to the stream is lost here too (``ports.Bus.log``).
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from frontends.site import ConnectedSite
from workflows.engine.ports import Message, Store
from workflows.model.errors import BadInput
from workflows.model.keys import Cause, NodeKey
from workflows.model.run import Run
from workflows.model.status import NodeStatus

LONGEST = 4096
_SETTLE = "settle"
_LOOK = timedelta(seconds=0.5)
_LATE = timedelta(seconds=1)
_RESULTS = {
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "FAILED",
    "runner_item_on_failed": "FAILED",
    "runner_on_unreachable": "UNREACHABLE",
}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. ``text`` may hold several lines of a tool's output, ``LONGEST`` characters at most, as they came."""

    time: datetime
    step: str
    text: str

    def as_json(self) -> dict[str, str]:
        """The object of ``--json``."""
        return {"time": self.time.isoformat(timespec="milliseconds"), "step": self.step, "text": self.text}


async def run_of(store: Store, node: NodeKey, newest: Cause | None, wanted: str | None, step: str | None) -> Run:
    """The run whose log is meant: ``wanted``, else the newest.

    Raises:
        BadInput: the node had no run, or not that one, or the run has no such step.
    """
    cause = wanted or newest
    if cause is None:
        raise BadInput(f"{node} has had no run yet: there is no log. bringup plan says what would start one")
    runs = {r.cause: r for v in await store.list(f"run.{node}.*") if v.data for r in [Run.decode(v.data)]}
    if cause not in runs:
        raise BadInput(f"{node} has no run {cause[:50]!r}; it has {', '.join(runs) or 'none'}")
    names = [*(s.name for s in runs[cause].steps), _SETTLE]
    if step is not None and step not in names:
        raise BadInput(f"run {cause} of {node} has no step {step[:50]!r}; it has {', '.join(names)}")
    return runs[cause]


async def lines(site: ConnectedSite, run: Run, step: str | None, follow: bool) -> AsyncIterator[LogLine]:
    """The lines of a run so far, oldest first; with ``follow`` also those to come, until the run has ended.

    Raises:
        Refused: this login may not read the log.
        Unreachable: no answer.
    """
    after = 0
    while True:
        over = not follow or await _is_over(site.store, run)
        if over and follow:
            await site.clock.sleep(_LATE)
        async for message in site.bus.logged(run.id, step or "*", after=after):
            after = message.sequence
            line = LogLine(message.time, message.subject.rpartition(".")[2], text_of(message))
            if line.text:
                yield line
        if over:
            return
        await site.clock.sleep(_LOOK)


def text_of(message: Message) -> str:
    """A message in words: one of Ansible's events as a person would say it, anything else as it is."""
    raw = message.data.decode(errors="replace")
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return raw.strip()[:LONGEST]
    if not isinstance(event, dict) or "event" not in event:
        return raw.strip()[:LONGEST]
    return _event(event)[:LONGEST].strip()


def _event(event: dict[str, Any]) -> str:
    """What a task came to, in a line; the announcements of plays and tasks say nothing that its result doesn't."""
    kind = str(event["event"])
    role = str(event.get("role") or "").rpartition("/")[2]
    task = ": ".join(part for part in (role, str(event.get("task") or "")) if part) or "a task"
    if kind not in _RESULTS:
        return ""
    result = "changed" if kind == "runner_on_ok" and event.get("changed") else _RESULTS[kind]
    ignored = ", ignored" if event.get("ignored") and "failed" in kind else ""
    message = str(event.get("message") or "")
    return f"{result}{ignored}  {task}" + (f": {message}" if message else "")


async def _is_over(store: Store, run: Run) -> bool:
    """Whether the run has ended: its status says so, or the node has a newer run."""
    value = await store.get(f"status.{run.node}")
    status = NodeStatus.decode(value.data) if value.data is not None else NodeStatus(node=run.node)
    return status.run != run.id or status.outcome != ""
