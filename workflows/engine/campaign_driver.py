"""Drives the campaigns of a site: every worker has one, none of them matters.

Theory of operation. Level-triggered: a pass reads each live campaign and what its members show, computes what it should be
(``workflows.engine.campaign``), and writes that by compare-and-set on the one record. There is no other effect but wakes
and notes, which are hints. So two drivers at once, a driver that is killed or one that stands still for an hour change
nothing but the time it takes: a lost write is computed again, a doubled one is refused, a late one finds another sequence.
A node that was let go is woken until its run shows, so a lost wake strands nobody either.

It also proposes the campaign of a bulk edit: nodes that one request to the inventory set to the start status. Until that
record stands, and lets them go, such nodes start nothing (``choose_workflow``). The list is frozen when all nodes of the
edit have been seen, or a minute after the first was: what comes later, or belongs to another site, is not on it.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workflows.engine.campaign import Preview, due, judged, let_go, made, observed
from workflows.engine.look import look
from workflows.engine.ports import Bus, Clock, Store, Value
from workflows.model.campaign import (
    MAX_MEMBERS,
    Campaign,
    CampaignState,
    Member,
    MemberState,
    campaign_key,
    id_of_edit,
)
from workflows.model.desired import Desired, Edit
from workflows.model.errors import BringupError, Conflict
from workflows.model.keys import NodeKey
from workflows.model.run import Run
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState, NodeStatus

log = logging.getLogger("bringup.campaign")

TICK = timedelta(seconds=2)
#: How often a node that should move is woken again.
PATIENCE = timedelta(seconds=10)
#: How long the list of a bulk edit stays open for nodes that weren't seen yet.
GATHERING = timedelta(minutes=1)


@dataclass(slots=True)
class CampaignDriver:
    """One a worker. ``nodes`` gives the present desired states."""

    store: Store
    bus: Bus
    clock: Clock
    settings: SiteSettings
    preview: Preview
    nodes: Callable[[], Iterable[Desired]]
    jitter: random.Random
    _live: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)
    _propose_at: dict[str, datetime] = field(default_factory=dict)
    _woken: dict[NodeKey, datetime] = field(default_factory=dict)

    async def serve(self) -> None:
        """Follow the campaigns and drive the live ones, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._tick())

    async def _follow(self) -> None:
        async for value in self.store.watch(f"campaign.{self.settings.site}.*"):
            self._note(value)

    def _note(self, value: Value) -> Campaign | None:
        """Remember that it is there; returns it while it is live."""
        campaign = Campaign.decode(value.data) if value.data is not None else None
        self._known.add(value.key)
        self._live.discard(value.key)
        if campaign is None or not campaign.live:
            return None
        self._live.add(value.key)
        return campaign

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK * self.jitter.uniform(0.75, 1.25))
            await self.drive()

    async def drive(self) -> None:
        """One pass over what is live. A campaign that can't be driven now holds up no other."""
        for request, group in self._edits().items():
            await self._tried(request, self._propose_once(request, group))
        for key in sorted(self._live):
            await self._tried(key, self._drive(key))

    async def _tried(self, what: str, act: Awaitable[None]) -> None:
        try:
            await act
        except BringupError as error:
            log.warning("%s: %s", what, error)
        except Exception:  # the next pass looks again; one defect must not end the worker
            log.exception("%s: a defect of bringup ended this pass", what)

    async def _drive(self, key: str) -> None:
        value = await self.store.get(key)
        before = self._note(value)
        if before is None:
            return
        statuses = {m.node: await self._status(m.node) for m in before.members if _moves(m)}
        seen = [await self._observed(before, m, statuses[m.node]) for m in before.members if m.node in statuses]
        after = judged(before.with_members(seen), self.clock.now(), self.settings)
        after = after.with_members([let_go(m, await self._would(after, m)) for m in due(after)])
        if after != before:
            sequence = await self.store.put(after.key, after.encode(), expect=value.seq)
            self._note(await self.store.get(after.key))
            if (after.state, after.wave) != (before.state, before.wave):
                await announce(self.bus, after, sequence)
            for old, new in zip(before.members, after.members, strict=True):
                if new.state != old.state:
                    await self._wake(new.node)
        for member in after.members:
            if self._stands_still(after, member, statuses.get(member.node)):
                await self._wake(member.node, again_after=PATIENCE)

    def _stands_still(self, campaign: Campaign, member: Member, status: NodeStatus | None) -> bool:
        """Whether a look by a worker would bring this member on."""
        if campaign.state is CampaignState.STOPPING:
            return _moves(member)
        if campaign.state is not CampaignState.RUNNING or member.state is not MemberState.LET_GO:
            return False
        parked = status is not None and status.state is NodeState.PARKED
        return status is None or status.cause != member.cause or parked

    async def _wake(self, node: NodeKey, again_after: timedelta | None = None) -> None:
        now, last = self.clock.now(), self._woken.get(node)
        if last is None or again_after is None or now >= last + again_after:
            self._woken[node] = now
            await self.bus.wake(node)

    async def _observed(self, campaign: Campaign, member: Member, status: NodeStatus) -> Member:
        begun = status.cause == member.cause
        would = await self._would(campaign, member) if not begun else ""
        return observed(campaign, member, status, would)

    async def _status(self, node: NodeKey) -> NodeStatus:
        value = await self.store.get(f"status.{node}")
        return NodeStatus.decode(value.data) if value.data is not None else NodeStatus(node=node)

    async def _would(self, campaign: Campaign, member: Member) -> Run | str:
        return self.preview.member_run(await look(self.store, member.node), campaign, member)

    # --- bulk edits -----------------------------------------------------------------------------------------------

    def _edits(self) -> dict[str, list[Desired]]:
        """The nodes of each edit that has no campaign yet."""
        groups: dict[str, list[Desired]] = {}
        for desired in self.nodes():
            edit = desired.edit
            if edit is None or edit.nodes < self.settings.campaign_from:
                continue
            if campaign_key(self.settings.site, id_of_edit(edit.request)) not in self._known:
                groups.setdefault(edit.request, []).append(desired)
        self._propose_at = {r: at for r, at in self._propose_at.items() if r in groups}
        return groups

    async def _propose_once(self, request: str, group: list[Desired]) -> None:
        """Propose when the group is whole or had its time, and again after a while where nothing would start by now."""
        edit, now = group[0].edit, self.clock.now()
        assert edit is not None
        if now >= self._propose_at.setdefault(request, now if len(group) >= edit.nodes else now + GATHERING):
            self._propose_at[request] = now + GATHERING
            await self._propose(edit, group)

    async def _propose(self, edit: Edit, group: list[Desired]) -> None:
        """Put the edit's campaign in the store, if any of its nodes would start by now."""
        runs = []
        for desired in sorted(group, key=lambda d: d.label)[:MAX_MEMBERS]:
            view = await look(self.store, desired.node)
            would = self.preview.run(view, view.start_ask)
            if isinstance(would, Run) and would.campaign == id_of_edit(edit.request):
                runs.append(would)
        if not runs:
            return
        campaign = Campaign(
            site=self.settings.site,
            id=id_of_edit(edit.request),
            workflow=runs[0].workflow,
            select=f"one edit of {edit.nodes} devices",
            asked_by=edit.person,
            reason=runs[0].reason,
            proposed_at=self.clock.now(),
            members=(),
            failures=1,
        )
        campaign = made(campaign, runs, self.settings)
        try:
            sequence = await self.store.put(campaign.key, campaign.encode(), expect=0)
        except Conflict:
            return
        await announce(self.bus, campaign, sequence)
        self._note(await self.store.get(campaign.key))


async def announce(bus: Bus, campaign: Campaign, sequence: int) -> None:
    """Tell whoever follows how the campaign stands, and have those who wait for it show that. Hints: the record counts."""
    text = f"campaign {campaign.id} ({campaign.select}) is {campaign.state}: {campaign.text or campaign.report()}"
    try:
        await bus.publish(f"note.campaign.{campaign.site}.{campaign.id}", text.encode(), dedupe=f"campaign-{sequence}")
        for member in campaign.members:
            if member.state is MemberState.WAITING:
                await bus.wake(member.node)
    except BringupError as error:
        log.warning("campaign %s: not everybody was told: %s", campaign.id, error)


def _moves(member: Member) -> bool:
    return member.state in (MemberState.LET_GO, MemberState.STUCK)
