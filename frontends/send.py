"""Sending a command, and waiting for what came of it. The same message that the plain ``nats`` tool sends."""

import asyncio
from datetime import timedelta

from frontends.site import ConnectedSite
from workflows.model.campaign import Campaign
from workflows.model.command import CommandBody, CommandOutcome, Verb
from workflows.model.errors import Unreachable
from workflows.model.status import NodeStatus

#: How long a sender waits for the answer.
PATIENCE = timedelta(seconds=15)


def as_seen(body: CommandBody, verb: Verb, seen: NodeStatus | Campaign) -> CommandBody:
    """The command, naming what its sender saw: the node's newest run, and the digest that he approves.

    Refused where that has changed by the time it is read.
    """
    approves = verb is Verb.APPROVE
    if isinstance(seen, Campaign):
        return body.model_copy(update={"digest": seen.digest() if approves else None})
    return body.model_copy(update={"after": seen.cause, "digest": (seen.digest or None) if approves else None})


async def send(site: ConnectedSite, verb: Verb, body: CommandBody, patience: timedelta) -> CommandOutcome:
    """Publish the command and wait for ``outcome.<sequence>``.

    Raises:
        Unreachable: it is stored, but no consumer answered in time; it expires by itself after 10 minutes.
    """
    subject = f"command.{site.who}.{verb.value}.{site.settings.site}"
    data = body.model_dump_json(exclude_defaults=True, by_alias=True).encode()
    sequence = await site.bus.publish(subject, data)
    try:
        async with asyncio.timeout(patience.total_seconds()):
            async for value in site.store.watch(f"outcome.{sequence}"):
                if value.data is not None:
                    return CommandOutcome.decode(value.data)
    except TimeoutError:
        pass
    raise Unreachable(
        f"command {sequence} ({verb.value}) is stored, but nothing answered within {patience.total_seconds():.0f} s: "
        f"is a worker running? It expires by itself 10 minutes after it was sent"
    )
