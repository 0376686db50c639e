"""Reads many resources of one BMC: a few at a time, each once, and with a list of what could not be read.

Theory of operation. A server shows between 100 and 300 resources. Where the root says that the service can expand a
collection (ProtocolFeaturesSupported.ExpandQuery), its members come with it in one answer; if that is refused, too long or
too slow, they are read one by one, and nothing is expanded any more. A resource that can't be read is a gap in the
report, not its end; only what makes every further request pointless ends it: a refused credential, an ended session, or
a BMC that fell silent.
"""

import asyncio
from collections.abc import Iterable

from workflows.drivers.redfish.body import Body, link, members, part
from workflows.drivers.redfish.channel import Channel
from workflows.model.errors import AuthenticationFailed, BringupError, Fenced, Unreachable

AT_ONCE = 4
"""Requests under way on one BMC: more make small BMCs answer 503."""

_SILENCES = 3


class Tree:
    """The resources of one BMC, read for one report."""

    def __init__(self, channel: Channel, root: Body):
        self.gaps: list[str] = []
        self._channel = channel
        self._expand = part(part(root, "ProtocolFeaturesSupported"), "ExpandQuery").get("NoLinks") is True
        self._known: dict[str, Body] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._silences = 0

    async def get(self, path: str | None) -> Body:
        """A resource; empty where there is no path, or where it can't be read, which is a gap then."""
        if path is None:
            return {}
        if path not in self._known:
            async with self._turn:
                self._known[path] = await self._read(path)
        return self._known[path]

    async def all(self, paths: Iterable[str]) -> list[Body]:
        """Several resources, in order, without those that can't be read."""
        bodies = await asyncio.gather(*(self.get(p) for p in paths))
        return [b for b in bodies if b]

    async def members(self, collection: str | None) -> list[Body]:
        """The members of a collection that are there, in order."""
        if collection is None:
            return []
        if self._expand and collection not in self._known:
            await self._expanded(collection)
        return await self.all(members(await self.get(collection)))

    async def _expanded(self, collection: str) -> None:
        try:
            async with self._turn:
                body = await self._channel.get(f"{collection}?$expand=.($levels=1)")
        except (AuthenticationFailed, Fenced):
            raise
        except BringupError:
            self._expand = False
            return
        self._known[collection] = body
        listed = body.get("Members")
        for member in listed if isinstance(listed, list) else []:
            path = link(member)
            if path is not None and isinstance(member, dict) and len(member) > 1:
                self._known.setdefault(path, member)

    async def _read(self, path: str) -> Body:
        try:
            return await self._channel.get(path)
        except (AuthenticationFailed, Fenced):
            raise
        except Unreachable as error:
            self._silences += 1
            if self._silences >= _SILENCES:
                raise
            self.gaps.append(str(error))
        except BringupError as error:
            self.gaps.append(str(error))
        return {}
