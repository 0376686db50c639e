"""Campaigns on the command line: proposed by one command, shown whole, answered by their id."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import typer
from typer.testing import CliRunner

from frontends.cli.campaign import add_campaign
from frontends.cli.exits import REFUSED
from frontends.cli.verbs import add_verbs
from frontends.site import ConnectedSite
from lab.memory import LocalClock, MemoryBus, MemoryEvidence, MemoryStore
from tests.workflows.samples import desired
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.campaign import Preview
from workflows.engine.commands import Commands
from workflows.model.errors import BadInput
from workflows.model.settings import Mode, SiteSettings

pytestmark = pytest.mark.fast

NODES = [desired(f"gpu-{n:03d}", status="active") for n in range(1, 5)]


class Terminal:
    """One site in memory over several commands; the consumer answers each."""

    def __init__(self) -> None:
        self.settings = SiteSettings(site="lab", mode=Mode.AUTOMATIC)
        self.store, self.opened = MemoryStore(), 0
        asyncio.run(self._rack())
        self.cli = typer.Typer()
        add_verbs(self.cli, self._open)
        add_campaign(self.cli, self._open)

    async def _rack(self) -> None:
        for node in NODES:
            await self.store.put(f"desired.{node.node}", node.encode(), expect=0)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[ConnectedSite]:
        clock, preview, bus = LocalClock(), Preview(self.settings, STEPS, WORKFLOWS), MemoryBus("lab")
        for _ in range(self.opened):  # each command has an event loop, so a bus, of its own; sequences go on
            await bus.publish("evt.agent.earlier.one", b"")
        self.opened += 1
        commands = Commands(self.store, bus, clock, self.settings, preview, lambda: NODES)
        consumer = asyncio.create_task(commands.serve())
        try:
            yield ConnectedSite(self.store, bus, clock, MemoryEvidence(), self.settings, "ann")
        finally:
            consumer.cancel()
            await asyncio.gather(consumer, return_exceptions=True)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command; its exit code and what it printed."""
        result = CliRunner().invoke(self.cli, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output


def test_a_rack_is_one_campaign_that_is_shown_and_approved_as_it_was_shown() -> None:
    terminal = Terminal()
    code, text = terminal.run("reimage", "rack:R12", "--yes", "--reason", "kernel")
    assert code == 0
    assert "campaign c1 over 4 of 4 nodes waits for approval: bringup approve campaign:c1" in text
    code, text = terminal.run("campaign", "c1")
    assert "4 nodes; it stops at any failure of its canary, then at 2" in text
    assert "next: approve, deny or cancel it" in text
    code, text = terminal.run("approve", "campaign:c1")
    assert (code, "is running now" in text) == (0, True)
    (shown,) = json.loads(terminal.run("campaign", "--json")[1])
    assert (shown["state"], shown["counts"], len(shown["digest"])) == ("running", {"waiting": 4}, 64)


def test_a_verb_that_does_not_fit_is_a_sentence_and_an_exit_code() -> None:
    terminal = Terminal()
    terminal.run("reimage", "rack:R12", "--yes")
    code, text = terminal.run("unhold", "campaign:c1")
    assert (code, "unhold doesn't fit that" in text) == (REFUSED, True)
    with pytest.raises(BadInput, match="there is no campaign 'c9'"):
        terminal.run("campaign", "c9")
