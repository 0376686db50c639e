"""What a site tells its boot service. Data; ``app`` loads it."""

from dataclasses import dataclass
from pathlib import Path

from workflows.model.keys import Site

#: The agent's kernel: console on screen and serial line, and a reboot where it can't go on.
AGENT_ARGUMENTS = "console=tty0 console=ttyS0,115200 net.ifnames=0 panic=30 quiet"


@dataclass(frozen=True, slots=True)
class BootSettings:
    """``http_url`` and ``https_url`` are how machines reach the two listeners, without a slash at the end.

    ``kernel`` and ``initrd`` are the agent's files by their names in ``artifacts``; an image lies there under its
    SHA-256. ``authorized_keys`` are the public keys that may log in on an installed node: bringup's own first.
    """

    site: Site
    http_url: str
    https_url: str
    artifacts: Path
    kernel: str
    initrd: str
    authorized_keys: tuple[str, ...]
    kernel_arguments: str = AGENT_ARGUMENTS
    nameservers: tuple[str, ...] = ()
