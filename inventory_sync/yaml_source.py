"""A directory of YAML files as the inventory: one file a node, watched; the outcome stands beside it.

``gpu-001.yaml`` is the wish and people's; ``gpu-001.status.yaml`` is ours and written whole, by rename. The same
generations and the same compare-and-set as with NetBox. Events of the file system only hint: every look reads all files
(a site of this kind is small), and one is taken every ``resync_every`` seconds without any event.
"""

import asyncio
import logging
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from watchfiles import awatch

from inventory_sync.profiles import Profiles, read_yaml
from inventory_sync.project import gone
from inventory_sync.record_wish import Stored, beside, record_wish, stored
from inventory_sync.settings import SyncSettings
from inventory_sync.twins import Known
from inventory_sync.yaml_node import key_of, project_yaml
from workflows.engine.ports import Bus, Clock, Store
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Conflict, Transient
from workflows.model.keys import NodeKey, Site, site_of
from workflows.model.status import NodeStatus

log = logging.getLogger(__name__)

_STATUS = ".status.yaml"


@dataclass(slots=True)
class YamlSource:
    """Keeps one site in step with a directory, for ever; it is also the site's ``ports.Inventory``."""

    directory: Path
    site: Site
    store: Store
    bus: Bus
    clock: Clock
    settings: SyncSettings
    profiles: Profiles
    _known: Known = field(default_factory=Known)
    _again: asyncio.Event = field(default_factory=asyncio.Event)
    _wrong: dict[NodeKey, str] = field(default_factory=dict)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            group.create_task(self._resync())
            group.create_task(self._looks())
            group.create_task(self._statuses())

    def use(self, profiles: Profiles) -> None:
        """Work with other profiles from now on."""
        self.profiles = profiles
        self._again.set()

    async def read(self, node: NodeKey) -> Desired | None:
        """The node's file now, with the stored generation; None where it is gone. Raises BadInput where it is wrong."""
        if site_of(node) != self.site:
            return None
        files = await asyncio.to_thread(_files, self.directory)
        stem = next((s for s in files if key_of(self.site, s) == node), None)
        if stem is None:
            return None
        wish = await asyncio.to_thread(self._parse, stem)
        return beside(wish, (await stored(self.store, node)).desired)

    async def accepted_by(self, node: NodeKey) -> str:
        """What the outcome beside the node's file says; it is no witness where it was lost with the store."""
        return await asyncio.to_thread(self._accepted_by, node)

    def _accepted_by(self, node: NodeKey) -> str:
        stem = next((s for s in _files(self.directory) if key_of(self.site, s) == node), None)
        path = self.directory / f"{stem}{_STATUS}"
        if stem is None or not path.exists():
            return ""
        content = read_yaml(path)
        return str(content.get("accepted_run") or "")

    async def look(self) -> None:
        """Bring desired state in step with all files, once.

        Raises:
            Unreachable: the store gave no answer; looking again is harmless.
        """
        values = await self.store.list(f"desired.{self.site}.*")
        before = {v.key: Stored(v.key, v.seq, Desired.decode(v.data)) for v in values if v.data is not None}
        wishes = await asyncio.to_thread(self._wishes)
        for last in (s.desired for s in before.values()):
            if last is not None and last.node not in wishes and last.node not in self._wrong:
                wishes[last.node] = gone(last, "deleted")
        for wish in wishes.values():
            self._known.put(wish)
        for wish in wishes.values():
            key = f"desired.{wish.node}"
            full = wish.model_copy(update={"problems": wish.problems + self._known.problems(wish)})
            await self._record(before.get(key, Stored(key, 0, None)), full)
        for node in {*wishes, *self._wrong}:
            await self._show(node)

    async def _record(self, before: Stored, wish: Desired) -> None:
        with suppress(Conflict):
            new = await record_wish(self.store, self.bus, before, wish)
            if new is not None:
                log.info("desired state stored", extra={"node": new.node, "generation": new.generation})
            return
        self._again.set()

    def _wishes(self) -> dict[NodeKey, Desired]:
        """All files, projected (blocks). One that is wrong leaves its node's last wish, and its reason is shown."""
        found: dict[NodeKey, Desired] = {}
        wrong: dict[NodeKey, str] = {}
        stems = _files(self.directory)
        for stem in stems:
            node = key_of(self.site, stem)
            same = [s for s in stems if key_of(self.site, s) == node]
            try:
                if len(same) > 1:
                    raise BadInput(f"{' and '.join(f'{s}.yaml' for s in same)} make the same node key: rename one")
                found[node] = self._parse(stem)
            except BadInput as error:
                wrong[node] = str(error)
                log.warning("file not taken: %s", error, extra={"node": node})
        self._wrong = wrong
        return found

    def _parse(self, stem: str) -> Desired:
        content = read_yaml(self.directory / f"{stem}.yaml")
        return project_yaml(self.site, stem, content, self.settings, self.profiles)

    async def _show(self, node: NodeKey) -> None:
        """Write the outcome beside the file, where it differs."""
        async with self._writing:
            await self._show_alone(node)

    async def _show_alone(self, node: NodeKey) -> None:
        last = (await stored(self.store, node)).desired
        value = await self.store.get(f"status.{node}")
        status = NodeStatus.decode(value.data) if value.data is not None else NodeStatus(node=node)
        problems = [self._wrong[node]] if node in self._wrong else list(last.problems) if last else []
        content: dict[str, Any] = {"node": node, "state": status.state.value}
        content |= {"generation": last.generation} if last else {}
        content |= {"problems": problems} if problems else {}
        if not status.accepted_run and (witness := await self.accepted_by(node)):
            content["accepted_run"] = witness  # never emptied: it is the outside witness when our own store was lost
        for name in ("run", "step", "reason", "next_action", "outcome", "accepted_run", "report"):
            if getattr(status, name):
                content[name] = getattr(status, name)
        if status.accepted_at is not None:
            content["accepted_at"] = status.accepted_at.isoformat(timespec="seconds")
        if status.outcome and status.timings:
            content["timings"] = [t.model_dump() for t in status.timings]
        await asyncio.to_thread(self._write, node, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    def _write(self, node: NodeKey, text: str) -> None:
        stem = next((s for s in _files(self.directory) if key_of(self.site, s) == node), None)
        if stem is None:
            return
        path = self.directory / f"{stem}{_STATUS}"
        if path.exists() and path.read_text() == text:
            return
        new = path.with_name(f".{path.name}.new")
        new.write_text(text)
        new.replace(path)

    # --- what says "look" -------------------------------------------------------------------------------------------

    async def _looks(self) -> None:
        while True:
            try:
                await self.look()
            except Transient as error:
                log.warning("files: %s; next attempt in %s s", error, self.settings.retry_after)
                await self.clock.sleep(timedelta(seconds=self.settings.retry_after))
                continue
            await self._again.wait()
            self._again.clear()

    async def _watch(self) -> None:
        async with aclosing(awatch(self.directory, recursive=False, step=50)) as changes:
            async for change in changes:
                if any(not path.endswith((_STATUS, ".new")) for _, path in change):
                    self._again.set()

    async def _resync(self) -> None:
        while True:
            await self.clock.sleep(timedelta(seconds=self.settings.resync_every))
            self._again.set()

    async def _statuses(self) -> None:
        async for value in self.store.watch(f"status.{self.site}.*"):
            with suppress(Transient):
                await self._show(value.key.partition(".")[2])


def _files(directory: Path) -> list[str]:
    """Stems of the wishes in a directory (blocks)."""
    found = sorted(p.name for p in directory.glob("*.yaml") if not p.name.endswith(_STATUS) and p.name[0] != ".")
    return [name.removesuffix(".yaml") for name in found]
