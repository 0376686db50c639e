"""The worker: takes wakes, looks without a lease, claims only where something is to be done, and drives it.

Theory of operation. A wake carries no authority: it is acknowledged at once and means *look*. ``look`` reads wish,
requests, status, newest run and journal; ``decide`` (open run) or ``choose_workflow`` (none) says whether an act or an
entry is due. Only then the node is claimed, and everything is read again under the lease, because the world may have moved
between the two looks. A node that is claimed by somebody else is left alone: its holder looks again after its release.

A crash of one drive never reaches another: each runs in a task of its own, and the lease's keeper cancels the drive the
moment the lease is lost, which also ends the Ansible child and every open connection of it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from workflows.engine.ask import newest_sequence, unanswered
from workflows.engine.choose import Choice, Chosen, choose_workflow
from workflows.engine.claim import Claim
from workflows.engine.decide import Rest, decide
from workflows.engine.lease import TTL, Lease
from workflows.engine.look import View, look
from workflows.engine.observer import Observer
from workflows.engine.ports import Bus, Clock, Store
from workflows.engine.runner import Runner
from workflows.engine.step import Steps
from workflows.engine.workflow import Workflow, make_run
from workflows.model.command import NodeAnswer
from workflows.model.errors import BringupError, Conflict, Fenced
from workflows.model.keys import NodeKey
from workflows.model.run import Run
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState, NodeStatus

log = logging.getLogger("bringup.worker")


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process. ``release_claim`` ends a claim's BMC session and connections; ``app`` wires it."""

    name: str
    store: Store
    bus: Bus
    clock: Clock
    settings: SiteSettings
    steps: Steps
    workflows: Mapping[str, Workflow]
    runner: Runner
    release_claim: Callable[[Claim], Awaitable[None]]
    observer: Observer
    ttl: timedelta = TTL

    async def serve(self) -> None:
        """Take wakes for ever, ``runs_at_once`` nodes at a time. A node already in hand is not taken twice."""
        slots = asyncio.Semaphore(self.settings.runs_at_once)
        busy: dict[NodeKey, bool] = {}
        async with asyncio.TaskGroup() as group:
            async for node in self.bus.wakes():
                if node in busy:
                    busy[node] = True
                    continue
                await slots.acquire()
                busy[node] = False
                group.create_task(self._take(node, busy, slots))

    async def _take(self, node: NodeKey, busy: dict[NodeKey, bool], slots: asyncio.Semaphore) -> None:
        """One node until no wake for it came in meanwhile. Never raises: a bad node slows nobody."""
        try:
            while True:
                busy[node] = False
                try:
                    await self.tend(node)
                except Fenced as error:
                    self.observer.fenced(node)
                    log.warning("%s: %s", node, error)
                except BringupError as error:
                    log.warning("%s: %s", node, error)
                except Exception:  # the reconciler brings the node back; one defect must not end the worker
                    log.exception("%s: a defect of bringup ended this look", node)
                if not busy[node]:
                    return
        finally:
            del busy[node]
            slots.release()

    async def tend(self, node: NodeKey) -> None:
        """Look at a node and do what is due, until nothing is.

        Raises:
            Fenced: another worker took over; nothing more was written.
        """
        while True:
            view = await look(self.store, node)
            if not self._due(view):
                return
            lease = await Lease.acquire(self.store, self.clock, node, self.name, self.ttl)
            if lease is None:
                return
            try:
                again = await self._hold(lease, node)
            finally:
                await lease.release()
            if not again:
                return

    def _due(self, view: View) -> bool:
        run = view.open_run
        if run is None:
            return view.desired is not None and self._wanted(view) is not None
        now, life = self.clock.now(), self.settings.approval_life
        if unanswered(view.request, run, view.state, self.settings, now, view.campaign) is not None:
            return True
        act = decide(
            run, view.state, now, self.steps, approval_life=life, epoch=self.settings.epoch_id, stirred=view.stirred
        )
        return not isinstance(act, Rest)

    def _wanted(self, view: View) -> Chosen | None:
        """What a node without an open run needs; None where its status already says everything."""
        desired, status = view.desired, view.status
        assert desired is not None
        chosen = choose_workflow(desired, status, self.settings, view.run, view.start_ask, view.campaign)
        if chosen.choice in (Choice.START, Choice.REFUSED):
            return chosen
        shown = _resting_status(view, chosen)
        return chosen if shown != view.stored else None

    async def _hold(self, lease: Lease, node: NodeKey) -> bool:
        """Work under the lease, with its keeper beside; True where another look is worth it."""
        work = asyncio.ensure_future(self._work(lease, node))
        keeper = asyncio.ensure_future(lease.keep())
        try:
            await asyncio.wait((work, keeper), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.wait((work,))
                if work.cancelled():
                    raise Fenced(f"{node}: the lease was lost in mid-work; another worker goes on")
            return work.result()
        finally:
            work.cancel()
            keeper.cancel()
            await asyncio.gather(work, keeper, return_exceptions=True)

    async def _work(self, lease: Lease, node: NodeKey) -> bool:
        view = await look(self.store, node)
        run = view.open_run
        if run is None:
            run = await self._open(lease, view)
            if run is None:
                return False
        claim = Claim(self.store, self.bus, self.clock, lease, run, view.status, self.observer)
        try:
            await claim.begin()
            await self.runner.drive(claim)
        finally:
            await self.release_claim(claim)
        return claim.state.outcome is not None

    async def _open(self, lease: Lease, view: View) -> Run | None:
        """Open the run that is wanted, or bring the resting status up to date."""
        chosen = self._wanted(view) if view.desired is not None else None
        if chosen is None or view.desired is None:
            return None
        node = view.desired.node
        if chosen.choice is Choice.START:
            run = make_run(
                self.workflows[chosen.workflow],
                self.steps,
                view.desired,
                chosen,
                view.run.cause if view.run is not None else None,
                self.settings.epoch_id,
            )
            try:
                await self.store.put(f"run.{node}.{run.cause}", run.encode(), expect=0)
            except Conflict:
                return None
            return run
        shown = _resting_status(view, chosen)
        if shown != view.stored:
            await lease.append(f"status.{node}", shown.encode())
        if chosen.choice is Choice.REFUSED and chosen.ask is not None:
            answer = NodeAnswer(node=node, label=view.desired.label, accepted=False, text=chosen.reason)
            await self.bus.publish(f"note.refused.{node}", answer.encode(), dedupe=f"{node}.{chosen.ask.sequence}")
        return None


def _resting_status(view: View, chosen: Chosen) -> NodeStatus:
    """What the status of a node without an open run should say."""
    desired, status = view.desired, view.status
    assert desired is not None
    changes: dict[str, object] = {
        "label": desired.label,
        "generation": desired.generation,
        "answered": newest_sequence(view.request) if view.request is not None else status.answered,
        "serial": desired.serial or status.serial,
        "campaign": chosen.reason if chosen.choice is Choice.WAITS else "",
    }
    if status.state in (NodeState.IDLE, NodeState.WOULD, NodeState.IN_SERVICE):
        would = chosen.choice is Choice.WOULD
        state = NodeState.IN_SERVICE if status.accepted_run else NodeState.WOULD if would else NodeState.IDLE
        changes |= {"state": state, "reason": chosen.reason, "workflow": chosen.workflow if would else status.workflow}
    elif chosen.choice is Choice.REFUSED:
        changes |= {"next_action": f"the last command was refused: {chosen.reason}"}
    return status.model_copy(update=changes)
