"""The site as it stands, followed: every node's wish and status, kept up to date by a watch, for what looks all the time.

Theory of operation. A page with a hundred viewers and a scrape every few seconds must not list the site's keys again and
again, so each process follows them once. ``revision`` rises with every change; a viewer remembers the revision that it has,
and asks for what changed since: however fast changes come, it gets each node once, as it is now (coalesced), and one that
was away for long gets everything that changed meanwhile, or all of it. A record that can't be read leaves what was known.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from frontends.expected import History
from frontends.read_model import NodeView
from workflows.engine.ports import Store, Value
from workflows.model.campaign import Campaign
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.keys import NodeKey, Site
from workflows.model.status import NodeStatus


@dataclass(slots=True)
class LiveSite:
    """One a process. ``follow`` runs beside; everything else reads what it has."""

    store: Store
    site: Site
    revision: int = 0
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    _desired: dict[NodeKey, Desired] = field(default_factory=dict)
    _status: dict[NodeKey, NodeStatus] = field(default_factory=dict)
    _changed: dict[NodeKey, int] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _history: tuple[int, History] | None = None
    _finished: int = 0

    async def follow(self) -> None:
        """Keep up with the store, for ever. Raises Unreachable where it stops answering."""
        patterns = (f"desired.{self.site}.*", f"status.{self.site}.*", f"campaign.{self.site}.*")
        async for value in self.store.watch(*patterns):
            self.see(value)

    def see(self, value: Value) -> None:
        """Take in one record, or its deletion."""
        kind, _, key = value.key.partition(".")
        try:
            self._take(kind, key, value.data)
        except BadInput:
            return
        self.revision += 1
        if kind != "campaign":
            self._changed.pop(key, None)
            self._changed[key] = self.revision
        self._news.set()

    def _take(self, kind: str, key: str, data: bytes | None) -> None:
        match kind, data:
            case "desired", None:
                self._desired.pop(key, None)
            case "desired", bytes():
                self._desired[key] = Desired.decode(data)
            case "status", None:
                self._status.pop(key, None)
            case "status", bytes():
                self._status[key] = NodeStatus.decode(data)
                self._finished += self._status[key].outcome != ""
            case "campaign", None:
                self.campaigns.pop(key.rpartition(".")[2], None)
            case "campaign", bytes():
                campaign = Campaign.decode(data)
                self.campaigns[campaign.id] = campaign

    async def news(self, after: int) -> None:
        """Return when the revision is above ``after``."""
        while self.revision <= after:
            self._news.clear()
            await self._news.wait()

    def changed(self, after: int) -> Iterator[NodeKey]:
        """The nodes that changed since a revision, those that are gone included."""
        for node in reversed(self._changed):
            if self._changed[node] <= after:
                return
            yield node

    def desired(self) -> list[Desired]:
        """All wishes."""
        return list(self._desired.values())

    def history(self) -> History:
        """What finished runs of the site took; made anew when another has finished."""
        if self._history is None or self._history[0] != self._finished:
            known = ((d, self._status[n]) for n, d in self._desired.items() if n in self._status)
            self._history = self._finished, History(known)
        return self._history[1]

    def view(self, node: NodeKey) -> NodeView | None:
        """One node; None where the inventory has none."""
        wish = self._desired.get(node)
        if wish is None:
            return None
        return NodeView(wish, self._status.get(node) or NodeStatus(node=node, label=wish.label), self.history())

    def views(self) -> list[NodeView]:
        """All nodes, by label."""
        found = [v for n in self._desired if (v := self.view(n)) is not None]
        return sorted(found, key=lambda v: v.desired.label)
