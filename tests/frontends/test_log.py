"""``bringup log``: what a run's tools said, in order, harmless, and to the run's end where it is followed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import typer
from typer.testing import CliRunner

from frontends.cli.log import add_log
from frontends.log_text import lines
from frontends.site import ConnectedSite
from lab.memory import LocalClock, MemoryBus, MemoryEvidence, MemoryStore
from tests.fixtures.guarded import Guarded
from tests.workflows.samples import desired, run
from workflows.engine.ports import Bus, Guard, Store
from workflows.model.errors import BadInput
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState, NodeStatus

SETTINGS = SiteSettings(site="lab")
NODE = desired()
OLD, NEW = run("g1"), run("c7", "reimage")
RUNNING = NodeStatus(node=NODE.node, state=NodeState.RUNNING, run=NEW.id, cause="c7", step="configure")
ENDED = RUNNING.model_copy(update={"state": NodeState.IN_SERVICE, "outcome": "succeeded"})
EVENTS = [
    {"event": "playbook_on_task_start", "task": "install the driver"},
    {"event": "runner_on_ok", "role": "/roles/driver", "task": "install the driver", "changed": True},
    {"event": "runner_on_failed", "task": "load it", "message": "no module\nnvidia \x1b]0;owned\x07 [red]here"},
]


def say(bus: Bus) -> None:
    bus.log(OLD.id, "reach", b"a line of the older run")
    for event in EVENTS:
        bus.log(NEW.id, "configure", json.dumps(event).encode())
    bus.log(NEW.id, "reboot", b"sync before power-off: \xff\x00")


@asynccontextmanager
async def open_site() -> AsyncIterator[ConnectedSite]:
    store, bus = MemoryStore(), MemoryBus("lab")
    for key, record in {
        f"desired.{NODE.node}": NODE,
        f"desired.{desired('gpu-002').node}": desired("gpu-002"),
        f"run.{OLD.id}": OLD,
        f"run.{NEW.id}": NEW,
        f"status.{NODE.node}": ENDED,
    }.items():
        await store.put(key, record.encode(), expect=0)
    say(bus)
    yield ConnectedSite(store, bus, LocalClock(), MemoryEvidence(), SETTINGS, "ann")


def log(*arguments: str) -> str:
    cli = typer.Typer()
    add_log(cli, open_site)
    result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.fast
def test_the_newest_run_is_told_in_order_with_its_steps_and_its_failure_in_words() -> None:
    text = log("gpu-001", "--follow").splitlines()
    assert [line[9:19].strip() for line in text] == ["configure", "configure", "", "reboot"]
    assert text[0].endswith("changed  driver: install the driver")
    assert text[1].endswith("FAILED  load it: no module")


@pytest.mark.fast
def test_what_a_tool_says_can_neither_drive_the_terminal_nor_be_markup() -> None:
    text = log("gpu-001")
    assert "[red]here" in text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


@pytest.mark.fast
def test_another_run_and_one_step_can_be_named() -> None:
    assert "a line of the older run" in log("gpu-001", "--run", "g1")
    rows = [json.loads(line) for line in log("gpu-001", "--step", "reboot", "--json").splitlines()]
    assert [(row["step"], row["text"]) for row in rows] == [("reboot", "sync before power-off: \ufffd\x00")]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gpu-001", "--run", "g9"), "it has g1, c7"),
        (("gpu-001", "--step", "*"), "no step"),
        (("gpu-[001-002]",), "names 2 nodes"),
        (("gpu-002",), "has had no run yet"),
        (("gpu-404",), "no node is called"),
    ],
)
def test_what_can_not_be_meant_is_said_so(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        log(*arguments)


@pytest.mark.real
async def test_a_person_follows_a_run_on_a_real_server_to_its_last_line(guarded: Guarded) -> None:
    async with AsyncExitStack() as stack:
        worker, alice = await guarded.site(stack, "worker"), await guarded.site(stack, "alice")
        guard = Guard("lease.lab.nb-1", await worker.store.put("lease.lab.nb-1", b"w", expect=0))
        await worker.store.append(f"status.{NODE.node}", RUNNING.encode(), guard=guard)
        say(worker.bus)
        seen = ConnectedSite(alice.store, alice.bus, alice.clock, alice.evidence, SETTINGS, "alice")
        told = []
        async with asyncio.timeout(20):
            async for line in lines(seen, NEW, None, follow=True):
                told.append(line)
                if len(told) == 3:
                    await _end(worker.store, guard)
                    worker.bus.log(NEW.id, "settle", b"the last word")
        assert [line.step for line in told] == ["configure", "configure", "reboot", "settle"]
        assert told[0].time <= told[-1].time <= alice.clock.now() + timedelta(seconds=1)


async def _end(store: Store, guard: Guard) -> None:
    await store.append(f"status.{NODE.node}", ENDED.encode(), guard=guard)


class LateClock(LocalClock):
    """While somebody sleeps, the line that was still on its way arrives."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus

    async def sleep(self, delay: timedelta) -> None:
        self._bus.log(NEW.id, "settle", b"the last word")


@pytest.mark.fast
async def test_a_line_that_comes_after_the_runs_end_is_told_where_the_run_is_followed() -> None:
    async with open_site() as site:
        late = replace(site, clock=LateClock(site.bus))
        assert [line.step async for line in lines(late, NEW, None, follow=True)][-1] == "settle"
