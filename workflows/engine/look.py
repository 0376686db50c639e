"""One look at a node: everything that is known about it, read without a lease."""

import asyncio
from dataclasses import dataclass

from workflows.engine.ports import Store
from workflows.engine.shown import resumed_from
from workflows.model.campaign import Campaign, campaign_key, id_of_edit
from workflows.model.command import Ask, Request
from workflows.model.desired import Desired
from workflows.model.journal import Entry, Fold, Phase, fold
from workflows.model.keys import NodeKey, cause_of_command, site_of
from workflows.model.run import Run
from workflows.model.status import NodeStatus


@dataclass(frozen=True, slots=True)
class View:
    """A node at one moment. ``run`` is its newest run, open or finished; ``stirred``: what it waits for has changed.

    ``status`` is the truth by the journal, ``stored`` the cache as frontends see it now. ``campaign`` is the one that the
    open run, the unanswered start request, or else the edit that staged the node belongs to.
    """

    desired: Desired | None
    request: Request | None
    status: NodeStatus
    stored: NodeStatus
    run: Run | None
    state: Fold
    stirred: bool = False
    campaign: Campaign | None = None

    @property
    def start_ask(self) -> Ask | None:
        """The newest request to start a run that hasn't been answered; one of a campaign holds while that is live.

        One that was about an open run starts none when that is over, and one that was cancelled is none.
        """
        if self.request is None:
            return None
        cancelled = self.request.cancel.cause if self.request.cancel is not None else None
        asks = [a for a in (self.request.start, self.request.resume) if a is not None]
        for ask in sorted(asks, key=lambda a: a.sequence, reverse=True):
            cause = cause_of_command(ask.sequence)
            if ask.cause is not None or cause == cancelled:
                continue
            had = self.run is not None and self.run.cause == cause
            of_campaign = self.campaign is not None and self.campaign.live and self.campaign.id == ask.campaign
            if not had and (of_campaign if ask.campaign is not None else ask.sequence > self.status.answered):
                return ask
        return None

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
    asked = Request.decode(request.data) if request.data is not None else None
    wish = Desired.decode(desired.data) if desired.data is not None else None
    open_run = run if state.phase is not Phase.FINISHED else None
    stored = NodeStatus.decode(status.data) if status.data is not None else NodeStatus(node=node)
    return View(
        desired=wish,
        request=asked,
        status=resumed_from(stored, run, state),
        stored=stored,
        run=run,
        state=state,
        stirred=stirred,
        campaign=await _campaign(store, node, open_run, asked, wish),
    )


async def _read_campaign(store: Store, node: NodeKey, campaign: str) -> Campaign | None:
    """A campaign of the node's site, None where there is none of that id."""
    value = await store.get(campaign_key(site_of(node), campaign))
    return Campaign.decode(value.data) if value.data is not None else None


async def _campaign(
    store: Store, node: NodeKey, run: Run | None, request: Request | None, wish: Desired | None
) -> Campaign | None:
    if run is not None:
        return await _read_campaign(store, node, run.campaign) if run.campaign is not None else None
    if request is not None and request.start is not None and request.start.campaign is not None:
        asked = await _read_campaign(store, node, request.start.campaign)
        if asked is not None and asked.live:
            return asked
    if wish is not None and wish.edit is not None and wish.edit.nodes > 1:
        return await _read_campaign(store, node, id_of_edit(wish.edit.request))
    return None


async def replay(store: Store, run: Run) -> Fold:
    """Fold a run's journal as the store has it now."""
    entries = await store.list(f"journal.{run.node}.{run.cause}.>")
    return fold(run, [(Entry.decode(v.data), v.time) for v in entries if v.data is not None])
