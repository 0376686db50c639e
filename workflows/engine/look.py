"""One look at a node: everything that is known about it, read without a lease."""

import asyncio
from dataclasses import dataclass

from workflows.engine.ports import Store
from workflows.engine.shown import resumed_from
from workflows.model.command import Request
from workflows.model.desired import Desired
from workflows.model.journal import Entry, Fold, Phase, fold
from workflows.model.keys import NodeKey
from workflows.model.run import Run
from workflows.model.status import NodeStatus


@dataclass(frozen=True, slots=True)
class View:
    """A node at one moment. ``run`` is its newest run, open or finished; ``stirred``: what it waits for has changed.

    ``status`` is the truth by the journal, ``stored`` the cache as frontends see it now.
    """

    desired: Desired | None
    request: Request | None
    status: NodeStatus
    stored: NodeStatus
    run: Run | None
    state: Fold
    stirred: bool = False

    @property
    def open_run(self) -> Run | None:
        """The run that isn't finished, if there is one."""
        return self.run if self.run is not None and self.state.phase is not Phase.FINISHED else None


async def look(store: Store, node: NodeKey) -> View:
    """Read a node's wish, requests, status, newest run and that run's journal."""
    desired, request, status, runs = await asyncio.gather(
        store.get(f"desired.{node}"),
        store.get(f"request.{node}"),
        store.get(f"status.{node}"),
        store.list(f"run.{node}.*"),
    )
    run = Run.decode(runs[-1].data) if runs and runs[-1].data is not None else None
    state = await replay(store, run) if run is not None else Fold()
    stirred = False
    if state.last is not None and state.last.watch is not None:
        stirred = (await store.get(state.last.watch)).seq != state.last.watch_seq
    stored = NodeStatus.decode(status.data) if status.data is not None else NodeStatus(node=node)
    return View(
        desired=Desired.decode(desired.data) if desired.data is not None else None,
        request=Request.decode(request.data) if request.data is not None else None,
        status=resumed_from(stored, run, state),
        stored=stored,
        run=run,
        state=state,
        stirred=stirred,
    )


async def replay(store: Store, run: Run) -> Fold:
    """Fold a run's journal as the store has it now."""
    entries = await store.list(f"journal.{run.node}.{run.cause}.>")
    return fold(run, [(Entry.decode(v.data), v.time) for v in entries if v.data is not None])
