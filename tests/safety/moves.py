"""What may happen on a ``Day``, as moves that a seed draws: the same seed tells the same story."""

import hashlib
import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.effects import Fault
from tests.safety.day import EDITS, Day
from workflows.model.command import Verb
from workflows.model.verdict import Verdict

#: Seconds that pass between two things: from at once to the life of a grant.
PAUSES = (0, 1, 5, 20, 60, 180, 600)
PERSONS = ("ann", "bob")
VERDICTS = (Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.SKIP)

type Draw = random.Random


def _node(draw: Draw) -> int:
    return draw.randrange(2)


def _flag(draw: Draw) -> bool:
    return draw.random() < 0.5


#: The name of a method of ``Day``, its weight, and how its arguments are drawn.
MOVES: tuple[tuple[str, int, Callable[[Draw], tuple[object, ...]]], ...] = (
    ("time", 12, lambda draw: (draw.choice(PAUSES),)),
    ("edit", 3, lambda draw: (_node(draw), draw.choice([*EDITS]))),
    ("sync", 5, lambda draw: (_node(draw),)),
    ("command", 5, lambda draw: (_node(draw), draw.choice([*Verb]), draw.choice(PERSONS))),
    ("command_again", 1, lambda draw: ()),
    ("strike", 6, lambda draw: (draw.randrange(2), draw.randint(1, 30), draw.choice([*Fault]))),
    ("pause", 2, lambda draw: (draw.randrange(2),)),
    ("resume", 4, lambda draw: (draw.randrange(2),)),
    ("kill", 2, lambda draw: (draw.randrange(2),)),
    ("bmc", 2, lambda draw: (_node(draw), _flag(draw))),
    ("bmc_ignores", 1, lambda draw: (_node(draw), draw.randint(0, 3))),
    ("swapped", 1, lambda draw: (_node(draw), _flag(draw))),
    ("power_fails", 1, lambda draw: (_node(draw), _flag(draw))),
    ("boots_the_network", 1, lambda draw: (_node(draw),)),
    ("reports", 1, lambda draw: (_node(draw), _flag(draw))),
    ("ignores_network", 1, lambda draw: (_node(draw), _flag(draw))),
    ("verdict", 1, lambda draw: (_node(draw), draw.choice(VERDICTS))),
    ("inventory", 1, lambda draw: (_flag(draw),)),
    ("store_down", 2, lambda draw: (draw.random() < 0.3,)),
    ("answers_lost", 1, lambda draw: (draw.randint(0, 3),)),
    ("wakes_lost", 1, lambda draw: ()),
    ("wake", 1, lambda draw: (_node(draw),)),
)


@dataclass(frozen=True, slots=True)
class Told:
    """How a seed's day went: what happened, and a digest of every record and every effect that came of it."""

    story: tuple[str, ...]
    digest: str


async def tell(seed: int, moves: int = 40) -> Told:
    """Play the day of a seed to its end, checking every promise after each move.

    Raises:
        AssertionError: a promise was broken; the message has the seed and the story.
    """
    draw, day, story = random.Random(seed), Day(), list[str]()  # noqa: S311
    await day.start()
    try:
        for number in range(2):
            await day.sync(number)
        for _ in range(moves):
            name, _, arguments = draw.choices(MOVES, [weight for _, weight, _ in MOVES])[0]
            drawn = arguments(draw)
            story.append(f"{day.clock.now():%H:%M:%S} {name}{drawn}")
            done = getattr(day, name)(*drawn)
            if inspect.isawaitable(done):
                await done
            await day.check()
        await day.calm()
        return Told(tuple(story), await _digest(day))
    except AssertionError as error:
        lines = "\n".join(story)
        raise AssertionError(f"seed {seed} broke a promise:\n{error}\n\n{lines}") from error
    finally:
        await day.stop()


async def _digest(day: Day) -> str:
    """Everything that the day left: the store with its sequences, each worker's effects, each machine's counts."""
    seen = hashlib.sha256()
    for value in await day.store.list(">"):
        seen.update(f"{value.key} {value.seq} {value.time}".encode() + (value.data or b""))
    for effects, _ in day.workers:
        seen.update("\n".join(effects.names).encode())
    for world in day.worlds:
        seen.update(f"{world.wiped}{world.accepted}{world.boots}{world.looks}".encode())
    return seen.hexdigest()
