"""What Prometheus is told of runs that went well or didn't, and of how the site stands. Bounded, and no names."""

import asyncio
import json
import random
import re
import subprocess
from datetime import timedelta

import pytest
import yaml
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from app.boot import listener
from app.metrics import Metrics
from app.worker import Ports, build_worker
from burn_in.proof import SoftwareProof
from frontends.live import LiveSite
from frontends.metrics.endpoint import serve_metrics
from frontends.metrics.site import SiteCollector
from lab.memory import MemoryStore, VirtualClock
from tests.project.tree import ROOT
from tests.workflows.samples import NOON, desired, run
from tests.workflows.site import Site
from workflows.drivers.address import parse_address
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import Credential
from workflows.drivers.ipmi import IpmiBmc
from workflows.engine.ports import Value
from workflows.engine.worker import Worker
from workflows.model.errors import AuthenticationFailed, Unreachable
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState, NodeStatus
from workflows.model.verdict import Verdict

MONITORING = ROOT / "monitoring"


def watched(site: Site, metrics: Metrics) -> Worker:
    """A worker of the site whose work is counted."""
    world = site.world
    ports = Ports(
        site.store, site.bus, site.clock, site.evidence, world, world, world, SoftwareProof(site.evidence), world
    )
    return build_worker("w1", site.settings, metrics.over(ports), random.Random(1), metrics.counters)  # noqa: S311


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """One sample; 0 where there is none."""
    return metrics.registry.get_sample_value(name, labels) or 0


@pytest.mark.fast
async def test_a_run_is_counted_once_with_its_steps_and_the_bytes_of_its_image() -> None:
    site, metrics = Site(), Metrics()
    await site.want()
    worker = watched(site, metrics)
    await site.tend(worker)
    await site.tend(worker)
    assert value(metrics, "bringup_runs_total", workflow="provision", outcome="succeeded") == 1
    assert value(metrics, "bringup_step_seconds_count", workflow="provision", step="deploy") == 1
    assert value(metrics, "bringup_image_bytes_total") == 1000


@pytest.mark.fast
async def test_a_burn_in_that_fails_is_counted_by_check() -> None:
    site, metrics = Site(), Metrics()
    site.world.verdict = Verdict.FAIL
    await site.want()
    await site.tend(watched(site, metrics))
    assert value(metrics, "bringup_runs_total", workflow="provision", outcome="failed") == 1
    failures = [s for m in metrics.registry.collect() for s in m.samples if s.name == "bringup_burn_in_failures_total"]
    assert [(s.labels["verdict"], s.value) for s in failures] == [("fail", 1)]


@pytest.mark.fast
async def test_a_run_that_asks_is_counted_by_what_it_asks_for() -> None:
    supervised, metrics = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED)), Metrics()
    await supervised.want()
    await supervised.tend(watched(supervised, metrics))
    assert value(metrics, "bringup_parked_total", workflow="provision", step="power_off", asks="approval") == 1
    swapped = Site()
    swapped.world.serial = "SOMEBODY-ELSE"
    await swapped.want()
    await swapped.tend(watched(swapped, metrics))
    assert value(metrics, "bringup_parked_total", workflow="provision", step="identify", asks="decision") == 1
    assert value(metrics, "bringup_errors_total", driver="engine", error="IdentityMismatch") == 1


@pytest.mark.fast
async def test_a_lease_that_is_lost_in_mid_work_is_counted() -> None:
    site, metrics = Site(), Metrics()
    await site.want()
    worker = watched(site, metrics)

    async def robbed() -> None:
        drive = asyncio.ensure_future(worker._take(site.wish.node, {}, asyncio.Semaphore(0)))
        async for value in site.store.watch(f"lease.{site.wish.node}"):
            if value.data is not None:
                break
        await site.steal()
        await drive

    await site.clock.run(robbed())
    assert value(metrics, "bringup_lease_losses_total") >= 1


@pytest.mark.fast
async def test_an_event_that_waited_for_its_consumer_counts_with_its_age() -> None:
    site, metrics = Site(), Metrics()
    await site.bus.publish("command.ann.hold.lab", b"{}")
    await site.clock.advance(timedelta(seconds=90))
    async for message in metrics.timed(site.bus, site.clock).consume("commands", "command.*.*.lab"):
        assert message.data == b"{}"
        break
    assert value(metrics, "bringup_event_lag_seconds_sum", consumer="commands") == 90


@pytest.mark.fast
async def test_an_error_is_counted_for_the_driver_that_met_it_and_a_defect_as_one() -> None:
    metrics, breaker = Metrics(), Breaker("BMC x")
    breaker.refused("ann", "old")
    bmc = IpmiBmc(parse_address("192.0.2.1"), Credential("ann", "old"), breaker, 1, asyncio.Semaphore(1))
    with pytest.raises(AuthenticationFailed) as refused:
        await bmc.facts()
    with pytest.raises(IndexError) as defect:
        [][1]
    for raised in (refused, defect):
        metrics.counters.failed(run(), "identify", raised.value)
    assert value(metrics, "bringup_errors_total", driver="ipmi", error="AuthenticationFailed") == 1
    assert value(metrics, "bringup_errors_total", driver="engine", error="Defect") == 1


def standing(*statuses: NodeStatus, problems: tuple[str, ...] = ()) -> CollectorRegistry:
    """The gauges of a site whose nodes stand so, an hour after noon."""
    live = LiveSite(MemoryStore(), "lab")
    for number, status in enumerate(statuses, 1):
        wish = desired(f"gpu-{number:03}", problems=problems)
        live.see(Value(f"desired.{wish.node}", wish.encode(), number, NOON))
        status = status.model_copy(update={"node": wish.node, "since": NOON})
        live.see(Value(f"status.{wish.node}", status.encode(), number, NOON))
    clock = VirtualClock()
    clock._now = NOON + timedelta(hours=1)
    registry = CollectorRegistry()
    registry.register(SiteCollector(live, clock))
    return registry


@pytest.mark.fast
def test_the_site_stands_as_its_nodes_do() -> None:
    late = NodeStatus(
        node="lab.x", state=NodeState.WAITING, workflow="provision", step="deploy", deadline=NOON, reason="no wipe yet"
    )
    asking = NodeStatus(node="lab.x", state=NodeState.PARKED, step="identify", digest="d" * 64, reason="approve it")
    broken = NodeStatus(node="lab.x", state=NodeState.PARKED, step="deploy", reason="two disks match")
    full = NodeStatus(node="lab.x", state=NodeState.WAITING, step="power_off", digest="e" * 64)
    registry = standing(late, asking, broken, full)
    sample = registry.get_sample_value
    assert sample("bringup_nodes", {"state": "waiting"}) == 2
    assert sample("bringup_nodes", {"state": "failed"}) == 0
    assert sample("bringup_overdue_nodes", {"workflow": "provision", "step": "deploy"}) == 1
    for awaits, step in (("world", "deploy"), ("approval", "identify"), ("decision", "deploy"), ("place", "power_off")):
        assert sample("bringup_waits", {"awaits": awaits, "step": step}) == 1
    assert sample("bringup_longest_wait_seconds", {"awaits": "decision"}) == 3600
    assert (
        standing(NodeStatus(node="lab.x"), problems=("no serial",)).get_sample_value(
            "bringup_waits", {"awaits": "record", "step": ""}
        )
        == 1
    )


@pytest.mark.fast
def test_no_name_reason_or_address_becomes_a_label() -> None:
    nodes = (NodeStatus(node="lab.x", state=NodeState.PARKED, step="deploy", reason=f"why {n}") for n in range(50))
    text = generate_latest(standing(*nodes)).decode()
    assert not re.search(r"gpu-0|why|R12|127\.0", text)
    assert text.count("bringup_waits{") == 1


@pytest.mark.real
async def test_the_endpoint_answers_prometheus_with_counters_and_gauges() -> None:
    metrics = Metrics()
    metrics.show(LiveSite(MemoryStore(), "lab"), VirtualClock())
    metrics.counters.lag("commands", timedelta(seconds=2))
    metrics.counters.failed(run(), "identify", Unreachable("no answer"))
    bound = listener("127.0.0.1:0")
    serving = asyncio.create_task(serve_metrics(metrics.registry, bound))
    try:
        async with (
            ClientSession() as session,
            session.get(f"http://127.0.0.1:{bound.getsockname()[1]}/metrics") as said,
        ):
            text = await said.text()
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert 'bringup_nodes{state="idle"} 0.0' in text
    assert 'bringup_event_lag_seconds_count{consumer="commands"} 1.0' in text
    assert "process_resident_memory_bytes" in text


@pytest.mark.real
def test_the_rules_are_sound_and_fire_when_they_should() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=MONITORING, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.fast
def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
    named = {rule["annotations"]["runbook_url"] for rule in rules}
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert len(named) == len(rules)
    assert named == pages
    assert [p for p in pages if not {"## Look", "## Do"} <= set((ROOT / p).read_text().splitlines())] == []


@pytest.mark.fast
def test_each_metric_that_a_rule_the_dashboard_or_the_page_names_exists_and_is_explained() -> None:
    metrics = Metrics()
    metrics.show(LiveSite(MemoryStore(), "lab"), VirtualClock())
    made = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
        if family.name.startswith("bringup_")
    }
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    asked = [r["expr"] for r in rules] + [t["expr"] for p in panels for t in p["targets"]]
    named = {re.sub("_(bucket|count|sum)$", "", n) for e in asked for n in re.findall(r"\bbringup_\w+", e)}
    explained = set(re.findall(r"^\| `(bringup_\w+)`", (ROOT / "docs" / "monitoring.md").read_text(), re.M))
    assert named <= made
    assert explained == made
