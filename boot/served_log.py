"""Keeps ``served.<node>``: what the node was given, counted. Written before the script is sent."""

from collections.abc import Callable
from datetime import datetime

from boot.token import Claim
from workflows.engine.ports import Store
from workflows.model.errors import Conflict, Transient
from workflows.model.keys import NodeKey
from workflows.model.served import Home, Script, Served, served_key

_ROUNDS = 10


async def record_script(store: Store, node: NodeKey, script: Script, claim: Claim | None, at: datetime) -> Served:
    """Count one script. ``claim`` is the grant's, for the agent's script.

    Raises:
        Transient: too many writers at once, or the store is out of reach; nothing is served then.
    """

    def change(served: Served) -> Served:
        return served.model_copy(
            update={
                "script": script,
                "cause": claim.cause if claim else None,
                "attempt": claim.attempt if claim else 0,
                "at": at,
                "agent_scripts": served.agent_scripts + (script is Script.AGENT),
                "local_scripts": served.local_scripts + (script is not Script.AGENT),
            }
        )

    return await _change(store, node, change)


async def record_home(store: Store, node: NodeKey, home: Home) -> Served:
    """Keep the newest phone-home.

    Raises:
        Transient: as above; the node phones again.
    """
    return await _change(store, node, lambda served: served.model_copy(update={"home": home}))


async def _change(store: Store, node: NodeKey, change: Callable[[Served], Served]) -> Served:
    key = served_key(node)
    for _ in range(_ROUNDS):
        value = await store.get(key)
        served = change(Served.decode(value.data) if value.data is not None else Served(node=node))
        try:
            await store.put(key, served.encode(), expect=value.seq)
        except Conflict:
            continue
        return served
    raise Transient(f"{key} is written by too many at once")
