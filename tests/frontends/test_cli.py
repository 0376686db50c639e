"""The command line as people and programs meet it: tables, JSON, exit codes, and sentences instead of tracebacks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import typer
from typer.testing import CliRunner

from frontends.cli.exits import NEEDS_HUMAN, NOT_WELL, REFUSED, UNREACHABLE, exit_code
from frontends.cli.verbs import add_verbs
from frontends.cli.views import add_views
from frontends.site import ConnectedSite
from lab.memory import LocalClock, MemoryBus, MemoryEvidence, MemoryStore
from tests.workflows.samples import desired
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.commands import Commands
from workflows.model.errors import BadInput, IdentityMismatch, Unreachable
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState, NodeStatus

pytestmark = pytest.mark.fast

NODES = [
    desired("gpu-001"),
    desired("gpu-002", status="active"),
    desired("gpu-003", problems=("it has no serial number: fill the device's field 'serial'",)),
]
PARKED = NodeStatus(
    node="lab.nb-2", label="gpu-002", state=NodeState.PARKED, run="lab.nb-2.c7", cause="c7", digest="d" * 64,
    workflow="reimage", reason="reimage of [bold]gpu-002[/bold] waits for approval", next_action="approve or deny it",
)  # fmt: skip


def command_line(mode: Mode = Mode.AUTOMATIC) -> typer.Typer:
    """The commands over a site in memory, with a consumer that answers."""
    settings = SiteSettings(site="lab", mode=mode)

    @asynccontextmanager
    async def open_site() -> AsyncIterator[ConnectedSite]:
        store, bus, clock = MemoryStore(), MemoryBus("lab"), LocalClock()
        for node in NODES:
            await store.put(f"desired.{node.node}", node.encode(), expect=0)
        await store.put(f"status.{PARKED.node}", PARKED.encode(), expect=0)
        consumer = asyncio.create_task(Commands(store, bus, clock, settings, lambda: NODES).serve())
        try:
            yield ConnectedSite(store, bus, clock, MemoryEvidence(), settings, "ann")
        finally:
            consumer.cancel()
            await asyncio.gather(consumer, return_exceptions=True)

    cli = typer.Typer()
    add_views(cli, open_site, STEPS, WORKFLOWS)
    add_verbs(cli, open_site)
    return cli


def run(*arguments: str, mode: Mode = Mode.AUTOMATIC) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    result = CliRunner().invoke(command_line(mode), list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_status_says_in_one_line_what_each_node_does_why_it_waits_and_what_comes_next() -> None:
    code, text = run("status")
    assert code == 0
    assert "approve or deny it" in text
    assert "it has no serial number" in text


def test_names_and_reasons_from_outside_are_no_markup() -> None:
    assert "[bold]gpu-002[/bold]" in run("status")[1]


def test_status_as_json_has_stable_names() -> None:
    rows = json.loads(run("status", "gpu-002", "--json")[1])
    assert [(r["name"], r["state"], r["run"]) for r in rows] == [("gpu-002", "parked", "lab.nb-2.c7")]


def test_check_makes_a_parked_node_an_exit_code() -> None:
    assert run("status", "--check")[0] == NOT_WELL
    assert run("status", "gpu-001", "--check")[0] == 0


def test_plan_shows_the_steps_and_what_forbids_them() -> None:
    plans = {p["label"]: p for p in json.loads(run("plan", "--json")[1])}
    assert plans["gpu-001"]["workflow"] == "provision"
    assert [s[0] for s in plans["gpu-001"]["steps"]][:3] == ["identify", "power_off", "set_boot"]
    assert plans["gpu-003"]["workflow"] == ""
    assert "serial" in plans["gpu-003"]["reason"]


def test_plan_of_a_site_that_observes_says_so() -> None:
    (plan,) = json.loads(run("plan", "gpu-001", "--json", mode=Mode.OBSERVE)[1])
    assert (plan["workflow"], "observe" in plan["reason"]) == ("provision", True)


def test_a_verb_is_answered_node_by_node_and_a_refusal_is_an_exit_code() -> None:
    code, text = run("provision", "gpu-001", "--yes", "--reason", "test")
    assert (code, "taken" in text) == (0, True)
    code, text = run("provision", "gpu-003", "--yes")
    assert (code, "serial" in text) == (REFUSED, True)


def test_a_dangerous_verb_asks_first() -> None:
    result = CliRunner().invoke(command_line(), ["reimage", "gpu-001"], input="n\n")
    assert result.exit_code == 1
    assert "wipe a node" in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [(BadInput("x"), REFUSED), (Unreachable("x"), UNREACHABLE), (IdentityMismatch("x"), NEEDS_HUMAN)],
)
def test_each_kind_of_error_has_its_exit_code(error: BadInput | Unreachable | IdentityMismatch, code: int) -> None:
    assert exit_code(error) == code


def test_a_selector_that_names_nobody_is_an_error_of_ours() -> None:
    with pytest.raises(BadInput, match="no node is called"):
        run("status", "gpu-404")
