"""Many simulated nodes behind the engine's ports, each a ``World`` of its own that counts what happens to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.fakes.world import World, WorldBmc
from workflows.engine.ports import Host, PlayResult
from workflows.model.desired import BmcTarget, Desired
from workflows.model.keys import NodeKey
from workflows.model.profile import BmcProtocol
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport


@dataclass(frozen=True)
class FleetWorld:
    """Hands each call to the node that it is about."""

    worlds: Mapping[NodeKey, World]

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> WorldBmc:
        """The BMC at this address."""
        world = next(w for w in self.worlds.values() if w.wish.bmc is not None and w.wish.bmc.address == target.address)
        return world.connect(target, protocol)

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """The roles."""
        return await self.worlds[host.node].play(host, playbook, variables, run=run, step=step, timeout=timeout)

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """The probes."""
        return await self.worlds[host.node].collect(host, probes, parameters, run=run, step=step, timeout=timeout)

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """SSH."""
        return await self.worlds[host.node].shell(host, command, timeout=timeout)

    def probes(self, desired: Desired) -> Sequence[str]:
        """What is probed."""
        return self.worlds[desired.node].probes(desired)

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """The node's verdict."""
        return await self.worlds[desired.node].judge(desired, bundles)

    async def read(self, node: NodeKey) -> Desired | None:
        """The inventory's record."""
        return await self.worlds[node].read(node)

    async def accepted_by(self, node: NodeKey) -> str:
        """The run that it shows."""
        return await self.worlds[node].accepted_by(node)
