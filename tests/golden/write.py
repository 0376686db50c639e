"""Writes the set of a version: ``python -m tests.golden.write 1.2.0``, once, when it is released (docs/upgrades.md)."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.golden.sets import HERE, Golden, at_rest
from tests.workflows.stages import STARTS, stages, stopped
from tests.workflows.standings import STANDINGS
from workflows.engine.standing import Standing
from workflows.model.journal import Phase

#: The steps in which a worker is stopped, for each workflow.
AT = {
    "provision": ("identify", "power_off", "netboot", "deploy", "configure", "reboot", "register"),
    "reimage": ("drain", "power_off", "deploy", "return_to_service"),
    "adopt": ("register",),
    "rma": ("compare", "take_over"),
    "firmware": ("firmware", "return_to_service"),
}


async def moments() -> AsyncIterator[tuple[str, Golden]]:
    """Each moment with its name: a node in each standing, and each workflow stopped within some of its steps."""
    for standing, prepare in STANDINGS.items():
        if standing is not Standing.NEW:
            yield f"node-{standing.name.lower()}", await Golden.of(await prepare())
    for scenario in STARTS:
        found = await stages(scenario)
        for step in AT[scenario.name]:
            yield f"{scenario}-in-{step}", await Golden.of(await stopped(scenario, found[step, Phase.ACTING]))
        site = await scenario.prepare()
        await at_rest(site)
        yield f"{scenario}-finished", await Golden.of(site)


async def write(directory: Path) -> int:
    """Write all; returns how many."""
    number = 0
    async for name, golden in moments():
        golden.head["ends"] = await at_rest(await golden.site())
        golden.write(directory / f"{name}.jsonl")
        number += 1
    return number


def main() -> None:
    """Refuses a version that has its set already: what is released doesn't change."""
    if len(sys.argv) != 2 or not re.fullmatch(r"\d+\.\d+\.\d+", sys.argv[1]):
        raise SystemExit("usage: python -m tests.golden.write VERSION")
    directory = HERE / sys.argv[1]
    if directory.exists():
        raise SystemExit(f"{directory} is there: what a released version stored doesn't change")
    directory.mkdir()
    sys.stdout.write(f"{asyncio.run(write(directory))} files in {directory}\n")


if __name__ == "__main__":
    main()
