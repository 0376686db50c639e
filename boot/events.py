"""Tells the site what machines did. An event only wakes and informs; what counts stands in the grant and in ``served``.

So an event that can't be published is logged and dropped: the record it tells of is already written, and the reconciler
or the run's deadline finds it.
"""

import json
import logging

from boot.identity import Identifiers
from boot.token import Claim
from workflows.engine.ports import Bus, Store
from workflows.model.errors import Conflict, Transient
from workflows.model.keys import Site
from workflows.model.record import Json
from workflows.model.stranger import Strangers, strangers_key

_log = logging.getLogger(__name__)


async def tell(bus: Bus, claim: Claim, what: str, **facts: Json) -> None:
    """Publish ``evt.agent.<node>-<cause>.<what>`` and wake the node's worker."""
    body = {"node": claim.node, "cause": claim.cause, "attempt": claim.attempt, **facts}
    try:
        await bus.publish(f"evt.agent.{claim.node}-{claim.cause}.{what}", json.dumps(body).encode())
        await bus.wake(claim.node)
    except Transient as error:
        _log.warning("event not published node=%s cause=%s what=%s: %s", claim.node, claim.cause, what, error)


async def tell_stranger(store: Store, bus: Bus, site: Site, who: Identifiers, why: str) -> None:
    """Publish the discovery of a machine that no node's record fits, and note it where people look.

    Doubles within the dedupe window count once. A second boot service that notes another at the same moment costs one note:
    the machine asks again.
    """
    body = {"mac": who.mac, "serial": who.serial, "uuid": who.uuid, "why": why}
    dedupe = f"stranger-{site}-{who.mac}-{who.serial}-{who.uuid}"
    try:
        value = await store.get(strangers_key(site))
        known = Strangers.decode(value.data) if value.data is not None else Strangers(site=site)
        noted = known.noting(who.mac, who.serial, who.uuid, why, await store.now())
        if noted is not known:
            await store.put(value.key, noted.encode(), expect=value.seq)
        await bus.publish(f"evt.agent.{site}.unknown.asked", json.dumps(body).encode(), dedupe=dedupe)
    except (Transient, Conflict) as error:
        _log.warning("stranger not reported site=%s %s: %s", site, who, error)
