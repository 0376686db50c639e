"""Tells the site what machines did. An event only wakes and informs; what counts stands in the grant and in ``served``.

So an event that can't be published is logged and dropped: the record it tells of is already written, and the reconciler
or the run's deadline finds it.
"""

import json
import logging

from boot.identity import Identifiers
from boot.token import Claim
from workflows.engine.ports import Bus
from workflows.model.errors import Transient
from workflows.model.keys import Site
from workflows.model.record import Json

_log = logging.getLogger(__name__)


async def tell(bus: Bus, claim: Claim, what: str, **facts: Json) -> None:
    """Publish ``evt.agent.<node>-<cause>.<what>`` and wake the node's worker."""
    body = {"node": claim.node, "cause": claim.cause, "attempt": claim.attempt, **facts}
    try:
        await bus.publish(f"evt.agent.{claim.node}-{claim.cause}.{what}", json.dumps(body).encode())
        await bus.wake(claim.node)
    except Transient as error:
        _log.warning("event not published node=%s cause=%s what=%s: %s", claim.node, claim.cause, what, error)


async def tell_stranger(bus: Bus, site: Site, who: Identifiers, why: str) -> None:
    """Publish the discovery of a machine that no node's record fits; doubles within the dedupe window count once."""
    body = {"mac": who.mac, "serial": who.serial, "uuid": who.uuid, "why": why}
    dedupe = f"stranger-{site}-{who.mac}-{who.serial}-{who.uuid}"
    try:
        await bus.publish(f"evt.agent.{site}.unknown.asked", json.dumps(body).encode(), dedupe=dedupe)
    except Transient as error:
        _log.warning("stranger not reported site=%s %s: %s", site, who, error)
