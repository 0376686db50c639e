"""The boot service's real decisions over a store in memory: which script a machine gets, and who takes a grant.

Only HTTP is left out: a simulated machine asks ``Scripts`` for its script, reads the token out of it, and takes and reports
its grant with ``boot.claims``, as the service's handlers do.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment

from boot.claims import report, take
from boot.events import tell
from boot.identity import Identifiers, NodeIndex
from boot.scripts import Scripts
from boot.settings import BootSettings
from boot.templates import environment
from boot.token import Claim, Purpose, Tokens
from workflows.drivers.secrets import MappingSecrets
from workflows.engine.ports import Bus, Store
from workflows.model.desired import Desired
from workflows.model.grant import Grant, Machine, Report

_SETTINGS = BootSettings("lab", "http://boot", "https://boot", Path(), "vmlinuz", "agent", ())
_SECRETS = MappingSecrets({"BRINGUP_SECRET_BOOT_TOKEN": '{"key": "a-key-of-the-tests"}'})
_TOKEN = re.compile(r"bringup\.token=(\S+)")


@cache
def _templates() -> Environment:
    return environment()


async def _up_to_date() -> None:
    """The index here hears of everything at once."""


@dataclass
class BootSide:
    """What machines of one site pull from."""

    store: Store
    bus: Bus
    index: NodeIndex = field(default_factory=NodeIndex)
    tokens: Tokens = field(default_factory=lambda: Tokens(_SECRETS))

    def know(self, wish: Desired) -> None:
        """Take in a node's newest desired state, as the service's watch does."""
        self.index.put(wish)

    async def script(self, who: Identifiers) -> Claim | None:
        """The claim in the script that this machine gets; None where the script boots its own disk."""
        scripts = Scripts(self.store, self.bus, _SETTINGS, self.tokens, _templates(), self.index, "c" * 64, _up_to_date)
        token = _TOKEN.search(await scripts.answer(who))
        return self.tokens.check(Purpose.AGENT, token[1]) if token else None

    async def hello(self, claim: Claim, machine: Machine) -> Grant:
        """The grant, taken. Raises Denied and Unreachable as ``boot.claims.take``."""
        grant = await take(self.store, claim, machine)
        await tell(self.bus, claim, "taken")
        return grant

    async def report(self, claim: Claim, nonce: str, what: Report) -> None:
        """The machine's last word. Raises Denied and Unreachable as ``boot.claims.report``."""
        await report(self.store, claim, nonce, what)
        await tell(self.bus, claim, "reported")
