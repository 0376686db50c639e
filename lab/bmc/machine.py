"""What stands behind a lab BMC: a machine that can be switched on and off. QEMU and simulated machines implement it."""

from typing import Protocol


class LabMachine(Protocol):
    """One machine of the lab. ``macs`` are lower case with colons; ``uuid`` is lower case with dashes."""

    serial: str
    uuid: str
    macs: tuple[str, ...]

    async def power_on(self, network: bool) -> None:
        """Start it: from the network, or from its own disk. On a machine that runs already this does nothing."""

    async def power_off(self) -> None:
        """Take the power away, like pulling the plug. On a machine that is off this does nothing."""

    def running(self) -> bool:
        """Whether it has power now; a machine that switched itself off is not running."""
