"""The state behind a lab BMC: power that takes time, and a boot override whose ``Once`` is consumed by a boot.

Theory of operation. Changes of power run one after the other in the order in which they were asked for, in a task of
their own, so that the answer (204) comes before the effect, as on real BMCs. While a change is under way the power state
reads ``PoweringOn`` or ``PoweringOff``; otherwise it is what the machine says, which may have switched itself off. A
change that is ``stuck`` stays under way until another one is asked for. After a start the machine is in POST for a while.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.bmc.machine import LabMachine
from lab.bmc.traits import Traits

NETWORK_TARGETS = frozenset({"Pxe", "UefiHttp"})


@dataclass(frozen=True, slots=True)
class Override:
    """The boot override as Redfish names it."""

    enabled: str = "Disabled"
    target: str = "None"
    mode: str = "UEFI"

    @property
    def network(self) -> bool:
        """Whether the next boot is from the network."""
        possible = self.mode == "UEFI" or self.target != "UefiHttp"
        return self.enabled != "Disabled" and self.target in NETWORK_TARGETS and possible

    @property
    def media(self) -> bool:
        """Whether the next boot is from virtual media."""
        return self.enabled != "Disabled" and self.target == "Cd"


class Chassis:
    """Power and boot of one machine. ``changed`` is called after each change of power, ``booting`` before each start.

    ``inserted`` says whether there is virtual media; its image is one that boots the network.
    """

    def __init__(
        self,
        machine: LabMachine,
        traits: Traits,
        booting: Callable[[], None],
        changed: Callable[[str], None],
        inserted: Callable[[], bool],
    ):
        self.machine, self._traits = machine, traits
        self._booting, self._changed, self._inserted = booting, changed, inserted
        self._post_until = 0.0
        self.override = Override()
        self.stuck = False
        self.version = 1
        self._turn = asyncio.Lock()
        self._changing: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def power_state(self) -> str:
        """``On``, ``Off``, ``PoweringOn`` or ``PoweringOff``."""
        return self._changing or ("On" if self.machine.running() else "Off")

    @property
    def in_post(self) -> bool:
        """Whether the machine was started so recently that its firmware is still at work."""
        return time.monotonic() < self._post_until

    def set_override(self, override: Override) -> None:
        """Keep a boot override; its ETag changes."""
        self.override = override
        self.version += 1

    def reset(self, kind: str) -> None:
        """Begin a change of power (a ResetType of Redfish); it goes on by itself."""
        task = asyncio.get_running_loop().create_task(self._reset(kind))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until no change of power is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
            await asyncio.sleep(0)  # a task that is done leaves the set when the loop comes round

    async def close(self) -> None:
        """Forget changes that are under way; the machine stays as it is."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reset(self, kind: str) -> None:
        async with self._turn:
            self._changing = None  # what was stuck is over once something else is asked for
            if kind in ("ForceOff", "GracefulShutdown", "ForceRestart", "GracefulRestart", "PowerCycle"):
                await self._off()
            if kind not in ("ForceOff", "GracefulShutdown"):
                await self._on()

    async def _off(self) -> None:
        if self.machine.running() and await self._change("PoweringOff"):
            await self.machine.power_off()
            self._changing = None
            self._changed("Off")

    async def _on(self) -> None:
        if not self.machine.running() and await self._change("PoweringOn"):
            network = self.override.network or (self.override.media and self._inserted())
            if self.override.enabled == "Once":
                self.set_override(Override(mode=self.override.mode))
            self._booting()
            await self.machine.power_on(network)
            self._changing, self._post_until = None, time.monotonic() + self._traits.post_seconds
            self._changed("On")

    async def _change(self, state: str) -> bool:
        self._changing = state
        await asyncio.sleep(self._traits.power_seconds)
        return not self.stuck
