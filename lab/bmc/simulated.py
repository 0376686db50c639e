"""A machine that is only a state: for tests of what switches machines, where no guest has to run."""


class SimulatedMachine:
    """Implements ``LabMachine``. ``boots`` lists each start: ``network`` or ``disk``."""

    def __init__(self, serial: str, uuid: str, macs: tuple[str, ...] = ()):
        self.serial, self.uuid, self.macs = serial, uuid, macs
        self.boots: list[str] = []
        self._running = False

    async def power_on(self, network: bool) -> None:
        """Start it, unless it runs."""
        if not self._running:
            self._running = True
            self.boots.append("network" if network else "disk")

    async def power_off(self) -> None:
        """Stop it."""
        self._running = False

    def running(self) -> bool:
        """Whether it runs."""
        return self._running
