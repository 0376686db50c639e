"""What a simulated machine counted of itself. Nobody else writes here, so nobody else can be wrong about it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Since the machine was racked. ``wiped_under`` names the grant of each write that began, ended or not.

    ``http`` are requests by method and path, answered or not; ``commands`` are those run over the entry, ``modules`` the
    ones among them that carried an Ansible module.
    """

    network_boots: int = 0
    disk_boots: int = 0
    wiped_under: list[str] = field(default_factory=list)
    bytes_written: int = 0
    commands: int = 0
    modules: int = 0
    http: Counter[str] = field(default_factory=Counter)

    @property
    def wipes(self) -> int:
        """Writes to the system disk that began."""
        return len(self.wiped_under)
