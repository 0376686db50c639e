"""The command line as people and programs meet it: tables, JSON, exit codes, and sentences instead of tracebacks."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from burn_in.foresight import unjudgeable
from frontends.cli.exits import NEEDS_HUMAN, NOT_WELL, REFUSED, UNREACHABLE, exit_code
from frontends.cli.verbs import add_verbs
from frontends.cli.views import add_views
from frontends.plan import Known
from frontends.site import ConnectedSite
from lab.memory import LocalClock, MemoryBus, MemoryEvidence, MemoryStore
from tests.workflows.samples import BASELINED, PROFILE, desired
from tests.workflows.site import Site
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.campaign import Preview
from workflows.engine.commands import Commands
from workflows.model.errors import BadInput, IdentityMismatch, Refused, Unreachable
from workflows.model.hardware import Firmware, Gpu, HardwareReport
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState, NodeStatus, StepTiming
from workflows.model.stranger import Strangers

pytestmark = pytest.mark.fast

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PROBLEMS = ("it has no serial number: fill the device's field 'serial'", "it has no BMC address")
NODES = [
    desired("gpu-001"),
    desired("gpu-002", status="active"),
    desired("gpu-003", problems=PROBLEMS),
    desired("gpu-004", status="active", generation=2, profile=BASELINED),
    desired("gpu-005"),
    desired(
        "gpu-006", profile=PROFILE.model_copy(update={"sku": PROFILE.sku.model_copy(update={"gpu_model": "h900"})})
    ),
]
SEEN = HardwareReport(
    protocol="redfish", address="lab", gpus=(Gpu(name="GPU_1", serial="G1", place="SXM1"),),
    firmware=(Firmware(name="BMC", version="1.0"), Firmware(name="BIOS", version="2.0")),
    settings={"SriovGlobalEnable": "Enabled"},
)  # fmt: skip
PARKED = NodeStatus(
    node="lab.nb-2", label="gpu-002", state=NodeState.PARKED, run="lab.nb-2.c7", cause="c7", digest="d" * 64,
    workflow="reimage", step="identify", reason="reimage of [bold]gpu-002[/bold] waits for approval",
    next_action="approve or deny it",
)  # fmt: skip

ACCEPTED = NodeStatus(
    node="lab.nb-4", label="gpu-004", state=NodeState.IN_SERVICE, run="lab.nb-4.g1", cause="g1", workflow="provision",
    outcome="succeeded", accepted_run="lab.nb-4.g1", accepted_generation=1, reason="in service",
    inventory=hashlib.sha256(SEEN.encode()).hexdigest(),
    timings=tuple(StepTiming(step=s, seconds=t) for s, t in (("identify", 2), ("deploy", 600), ("reach", 60))),
)  # fmt: skip
RUNNING = NodeStatus(
    node="lab.nb-5", label="gpu-005", state=NodeState.RUNNING, run="lab.nb-5.g1", cause="g1", workflow="provision",
    step="deploy", step_index=5, step_count=11, step_since=BEGAN, reason="the machine writes",
)  # fmt: skip
STATUSES = [PARKED, ACCEPTED, RUNNING]
STRANGERS = Strangers(site="lab").noting(
    "52:54:00:ff:ff:ff", "X9", "", "X9 is no node of the inventory", datetime.now(UTC)
)


class ImpatientClock(LocalClock):
    """A person who presses Ctrl-C at the third look."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def now(self) -> datetime:
        self.looks += 1
        if self.looks == 3:
            raise KeyboardInterrupt
        return super().now()


class HalfAMinuteLater(LocalClock):
    """Half a minute after the running step began."""

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=30)


def command_line(
    mode: Mode = Mode.AUTOMATIC, clock: type[LocalClock] = LocalClock, answered: bool = True
) -> typer.Typer:
    """The commands over a site in memory, with a consumer that answers, or one that serves another site only."""
    settings = SiteSettings(site="lab", mode=mode)
    served = settings if answered else SiteSettings(site="elsewhere")

    @asynccontextmanager
    async def open_site() -> AsyncIterator[ConnectedSite]:
        store, bus, evidence = MemoryStore(), MemoryBus("lab"), MemoryEvidence()
        await evidence.put(SEEN.encode())
        for node in NODES:
            await store.put(f"desired.{node.node}", node.encode(), expect=0)
        await store.put("strangers.lab", STRANGERS.encode(), expect=0)
        for status in STATUSES:
            await store.put(f"status.{status.node}", status.encode(), expect=0)
        preview = Preview(settings, STEPS, WORKFLOWS)
        consumer = asyncio.create_task(Commands(store, bus, LocalClock(), served, preview, lambda: NODES).serve())
        try:
            yield ConnectedSite(store, bus, clock(), evidence, settings, "ann")
        finally:
            consumer.cancel()
            await asyncio.gather(consumer, return_exceptions=True)

    cli = typer.Typer()
    add_views(cli, open_site, Known(STEPS, WORKFLOWS, lambda sku: unjudgeable(sku, {})))
    add_verbs(cli, open_site)
    return cli


def run(*arguments: str, mode: Mode = Mode.AUTOMATIC, clock: type[LocalClock] = LocalClock) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    result = CliRunner().invoke(command_line(mode, clock), list(arguments))
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


def test_a_node_that_can_not_be_served_says_all_that_is_wrong_and_whose_turn_it_is() -> None:
    (row,) = json.loads(run("status", "gpu-003", "--json")[1])
    assert (row["problems"], row["next_action"]) == (list(PROBLEMS), "correct its record in the inventory")
    assert "no serial number: fill the device's field 'serial' (and 1 more)" in run("status", "gpu-003")[1]
    assert PROBLEMS[1] in run("plan", "gpu-003")[1]
    assert PROBLEMS[1] in run("show", "gpu-003")[1]


def test_the_whole_fleet_is_counted_by_state() -> None:
    assert run("status")[1].startswith("1 parked, 1 running, 3 idle, 1 in-service")


def test_an_open_run_says_how_long_it_takes_and_how_long_it_usually_does() -> None:
    (row,) = json.loads(run("status", "gpu-005", "--json", clock=HalfAMinuteLater)[1])
    assert (row["elapsed_seconds"], row["expected_seconds"], row["remaining_seconds"]) == (30, 600, 630)
    assert "30s of ~10m00s" in run("status", "gpu-005", clock=HalfAMinuteLater)[1]
    (parked,) = json.loads(run("status", "gpu-002", "--json")[1])
    assert (parked["expected_seconds"], parked["remaining_seconds"]) == (None, None)


def test_a_watch_appends_where_there_is_no_terminal_and_ends_quietly() -> None:
    result = CliRunner().invoke(command_line(clock=ImpatientClock), ["status", "gpu-001", "--watch", "--every", "0.1"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.output.count("gpu-001") == 2


def test_a_watch_redraws_in_place_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr("frontends.cli.views.console", lambda: Console(file=screen, force_terminal=True, width=120))
    result = CliRunner().invoke(command_line(clock=ImpatientClock), ["status", "gpu-001", "--watch", "--every", "0.1"])
    assert result.exit_code == 0
    up_and_erase = "\x1b[1A\x1b[2K"
    assert up_and_erase in screen.getvalue().partition("gpu-001")[2].partition("gpu-001")[0]


def test_a_machine_that_nobody_expects_is_told_of_and_listed() -> None:
    assert "machines that no node fits asked to boot: 1; bringup strangers lists them" in run("status")[1]
    assert "asked to boot" not in run("status", "gpu-001")[1]
    assert "X9 is no node of the inventory" in run("strangers")[1]
    assert [s["serial"] for s in json.loads(run("strangers", "--json")[1])] == ["X9"]


def test_show_counts_the_posts_of_the_newest_run_and_says_how_the_machine_went_on() -> None:
    site = Site()

    async def served() -> None:
        await site.want()
        await site.tend()

    @asynccontextmanager
    async def open_site() -> AsyncIterator[ConnectedSite]:
        yield ConnectedSite(site.store, site.bus, site.clock, site.evidence, site.settings, "ann")

    asyncio.run(served())
    cli = typer.Typer()
    add_views(cli, open_site, Known(STEPS, WORKFLOWS, lambda sku: unjudgeable(sku, {})))
    text = CliRunner().invoke(cli, ["show", "gpu-001"], catch_exceptions=False).output
    assert "POSTs 2: network boot, proof boot" in text
    assert "after the install: kexec" in text
    seen = json.loads(CliRunner().invoke(cli, ["show", "gpu-001", "--json"], catch_exceptions=False).output)
    assert seen["posts"] == ["network boot", "proof boot"]


def test_check_makes_a_parked_node_an_exit_code() -> None:
    assert run("status", "--check")[0] == NOT_WELL
    assert run("status", "gpu-001", "--check")[0] == 0


def test_parts_shows_what_the_newest_run_saw_or_says_that_none_has_looked() -> None:
    assert json.loads(run("parts", "gpu-004", "--json")[1])["gpus"][0]["serial"] == "G1"
    assert "SXM1" in run("parts", "gpu-004")[1]
    with pytest.raises(BadInput, match="no run has kept an inventory of gpu-001 yet"):
        run("parts", "gpu-001")
    with pytest.raises(Refused):
        run("parts", "gpu-004", "--evidence", "0" * 64)


def test_plan_tells_where_a_node_in_service_differs_from_its_baseline() -> None:
    [plan] = json.loads(run("plan", "gpu-004", "--json")[1])
    assert plan["drift"] == ["firmware BMC is 1.0, the baseline says 2.0"]
    assert "firmware BMC is 1.0, the baseline says 2.0" in run("plan", "gpu-004")[1]
    assert plan["workflow"] == "", "drift is shown, never acted on"


def test_plan_shows_the_steps_and_what_forbids_them() -> None:
    plans = {p["label"]: p for p in json.loads(run("plan", "--json")[1])}
    assert plans["gpu-001"]["workflow"] == "provision"
    assert [s[0] for s in plans["gpu-001"]["steps"]][:4] == ["identify", "inspect", "confirm_idle", "power_off"]
    assert plans["gpu-003"]["workflow"] == ""
    assert "serial" in plans["gpu-003"]["reason"]


def test_plan_says_what_is_open_what_has_drifted_and_what_the_burn_in_will_not_accept() -> None:
    plans = {p["label"]: p for p in json.loads(run("plan", "--json")[1])}
    assert plans["gpu-002"]["workflow"] == "reimage"
    assert plans["gpu-002"]["reason"].startswith("run lab.nb-2.c7 is open and parked at identify: ")
    assert (plans["gpu-004"]["workflow"], plans["gpu-004"]["steps"]) == ("", [])
    assert "the inventory changed since it was accepted" in plans["gpu-004"]["reason"]
    assert plans["gpu-006"]["workflow"] == "provision"
    assert "no thresholds are known for GPU model 'h900'" in plans["gpu-006"]["warnings"][0]
    assert "no thresholds are known for GPU model 'h900'" in run("plan", "gpu-006")[1]


def test_show_names_the_wish_and_leaves_out_what_is_empty() -> None:
    text = run("show", "gpu-001")[1]
    assert "SN1" in text
    assert "lab + r1 (test)" in text
    assert "timings" not in text
    assert "deploy" in run("show", "gpu-004")[1]


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


def test_a_command_that_nobody_answers_says_so_and_can_be_tried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontends.cli.verbs.PATIENCE", timedelta(seconds=0.1))
    with pytest.raises(Unreachable, match="is stored, but nothing answered within 0 s: is a worker running") as raised:
        CliRunner().invoke(command_line(answered=False), ["hold", "gpu-001"], catch_exceptions=False)
    assert exit_code(raised.value) == UNREACHABLE
