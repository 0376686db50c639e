"""A machine that did not come: what BMC and boot service know of it is kept as evidence, and said with the failure.

Nothing here fails a run or holds it up: what can't be read is a gap, and evidence that can't be kept is said to be lost. A
screenshot isn't taken: Redfish has no standard for it.
"""

from datetime import UTC, datetime, timedelta

from workflows.engine.step import Context
from workflows.model.errors import BringupError, Fenced
from workflows.model.hardware import LogLine
from workflows.model.keys import site_of
from workflows.model.served import Served, served_key
from workflows.model.silence import Silence
from workflows.model.stranger import Strangers, strangers_key

LINES = 200
"""Newest lines of the BMC's log that are looked at."""

_SKEW = timedelta(minutes=10)
_ALWAYS = 5


async def keep_silence(ctx: Context, why: str) -> str:
    """Keep what is known; returns ``why`` with the newest that the BMC says, and the evidence's SHA-256.

    Raises:
        Fenced: the node is somebody else's.
    """
    gaps: list[str] = []
    found = Silence(
        node=ctx.run.node, run=ctx.run.id, why=why, at=ctx.clock.now(), since=ctx.state.first_intent_at or ctx.started
    )
    try:
        facts = await ctx.bmc.facts()
        boot = facts.way or facts.boot or "another override"
        found = found.model_copy(update={"power": facts.power.value, "boot": str(boot), "progress": facts.progress})
        found = found.model_copy(update={"events": since(await ctx.bmc.events(LINES), found.since)})
    except Fenced:
        raise
    except BringupError as error:
        gaps.append(f"BMC: {error}")
    try:
        served = (await ctx.store.get(served_key(ctx.run.node))).data
        strangers = (await ctx.store.get(strangers_key(site_of(ctx.run.node)))).data
        found = found.model_copy(
            update={
                "served": Served.decode(served) if served is not None else None,
                "strangers": Strangers.decode(strangers) if strangers is not None else None,
            }
        )
    except BringupError as error:
        gaps.append(f"boot service: {error}")
    try:
        kept = await ctx.evidence.put(found.model_copy(update={"gaps": tuple(gaps)}).encode())
    except Fenced:
        raise
    except BringupError as error:
        return f"{why}; {said(found)}; it could not be kept: {error}"
    return f"{why}; {said(found)}; all of it: bringup kept {kept}"


def since(lines: tuple[LogLine, ...], start: datetime | None) -> tuple[LogLine, ...]:
    """The lines since the run began, or whose time can't be told; at least the newest few: a BMC's clock may be wrong."""
    if start is None:
        return lines
    recent = tuple(line for line in lines if (at := _time(line.time)) is None or at >= start - _SKEW)
    return recent if len(recent) >= _ALWAYS else lines[-_ALWAYS:]


def said(found: Silence) -> str:
    """The newest of it in a sentence."""
    parts = [f"power {found.power}" if found.power else "its BMC told nothing"]
    if found.progress:
        parts.append(f"POST at {found.progress}")
    if found.events:
        parts.append(f"newest in the BMC's log: {found.events[-1].text}")
    served = found.served
    parts.append(
        f"last served {served.script} at {served.at:%H:%M}"
        if served is not None and served.at is not None
        else "the boot service never heard of it"
    )
    return ", ".join(parts)


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
