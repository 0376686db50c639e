"""Which boot script a machine gets: this run's where its grant is open, else the one that boots its own disk.

Everything that isn't clear ends in local boot (law 4): a stray reboot costs minutes, not data. Where the store is out of
reach nobody can say whether a grant is open, so there is no script (503): the machine's first script asks again while a
leader is elected, and boots the local disk in the end. A machine that was turned away for a moment's silence would be lost
to its run, which waits for it for as long as a POST may take.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jinja2 import Environment

from boot.events import tell, tell_stranger
from boot.identity import Identifiers, NodeIndex, same_serial
from boot.served_log import record_script
from boot.settings import BootSettings
from boot.templates import render
from boot.token import Claim, Purpose, Tokens
from workflows.engine.ports import Bus, Store
from workflows.model.grant import Grant, GrantState
from workflows.model.hardware import same_uuid
from workflows.model.keys import NodeKey
from workflows.model.served import Script

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scripts:
    """Answers ``/boot.ipxe`` and ``/v1/script``.

    ``ca_sha256`` pins the CA that the agent downloads; ``read_again`` brings the index up to date.
    """

    store: Store
    bus: Bus
    settings: BootSettings
    tokens: Tokens
    templates: Environment
    index: NodeIndex
    ca_sha256: str
    read_again: Callable[[], Awaitable[None]]

    def first(self) -> str:
        """The script that DHCP points at: the same for all; it asks again with the machine's identifiers."""
        return render("ipxe/boot.ipxe.j2", {"http_url": self.settings.http_url}, within=self.templates)

    async def answer(self, who: Identifiers) -> str:
        """The script for this machine, recorded and counted before it is returned.

        Raises:
            Transient: the store is out of reach; the machine asks again, and boots its own disk in the end.
        """
        desired, why = self.index.find(who)
        if desired is None:
            await self.read_again()
            desired, why = self.index.find(who)
        if desired is None:
            await tell_stranger(self.store, self.bus, self.settings.site, who, why)
            return self._local("unknown machine")
        return await self._answer_node(desired.node, who)

    async def _answer_node(self, node: NodeKey, who: Identifiers) -> str:
        now = await self.store.now()
        grants = [Grant.decode(v.data) for v in await self.store.list(f"grant.{node}.>") if v.data is not None]
        ready = [g for g in grants if g.state is GrantState.OPEN and now <= g.deadline and _may_ask(g, who)]
        if len(ready) != 1:
            await record_script(self.store, node, Script.LOCAL, None, now)
            return self._local("no grant is open")
        claim = Claim.of(ready[0])
        served = await record_script(self.store, node, Script.AGENT, claim, now)
        await tell(self.bus, claim, "served", scripts=served.agent_scripts)
        return render(
            "ipxe/agent.ipxe.j2",
            {
                "claim": claim,
                "http_url": self.settings.http_url,
                "https_url": self.settings.https_url,
                "kernel": self.settings.kernel,
                "initrd": self.settings.initrd,
                "arguments": self.settings.kernel_arguments,
                "ca_sha256": self.ca_sha256,
                "now": int(now.timestamp()),
                "token": self.tokens.issue(Purpose.AGENT, claim),
            },
            within=self.templates,
        )

    def _local(self, why: str) -> str:
        return render("ipxe/local.ipxe.j2", {"why": why}, within=self.templates)


def _may_ask(grant: Grant, who: Identifiers) -> bool:
    """What was given fits the grant; the agent's hello must show all of it."""
    return (
        (not who.serial or same_serial(who.serial, grant.serial))
        and (not who.uuid or not grant.uuid or same_uuid(grant.uuid, who.uuid))
        and (not who.mac or not grant.macs or who.mac in {mac.lower() for mac in grant.macs})
    )
