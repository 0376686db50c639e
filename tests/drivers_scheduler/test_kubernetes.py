"""The driver of Kubernetes on a stand-in for its API: what it evicts, what it waits for, and what it does when refused."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.kubernetes import TOKEN, KubernetesStandIn
from tests.workflows.samples import desired
from workflows.drivers.scheduler.kubernetes import Kubernetes
from workflows.drivers.scheduler.names import NodeNames
from workflows.engine.ports import Duty
from workflows.model.errors import AuthenticationFailed, Refused, Transient, Unreachable

pytestmark = pytest.mark.real

NODE, OURS = desired(), "bringup run lab.nb-1.c7 (reimage)"


@pytest.fixture
async def cluster() -> AsyncIterator[KubernetesStandIn]:
    """A cluster with our node."""
    cluster = KubernetesStandIn()
    cluster.node("gpu-001")
    async with cluster.serving():
        yield cluster


def driver(cluster: KubernetesStandIn, token: str = TOKEN) -> Kubernetes:
    return Kubernetes(cluster.url, lambda: token)


async def test_only_what_starts_again_elsewhere_is_evicted_and_what_belongs_to_the_node_is_no_work(
    cluster: KubernetesStandIn,
) -> None:
    for name, owner in (("web", "ReplicaSet"), ("db", "StatefulSet"), ("train", "Job"), ("torch", "PyTorchJob")):
        cluster.pod(name, "gpu-001", owner)
    cluster.pod("bare", "gpu-001")
    cluster.pod("exporter", "gpu-001", "DaemonSet")
    cluster.pod("kube-proxy", "gpu-001", mirror=True)
    cluster.pod("old", "gpu-001", "Job", phase="Succeeded")
    cluster.pod("elsewhere", "gpu-002", "ReplicaSet")
    kubernetes = driver(cluster)
    duty = await kubernetes.duty(NODE)
    assert duty == Duty(
        jobs=("pod team/train", "pod team/torch", "pod team/bare"), moving=("pod team/web", "pod team/db")
    )
    await kubernetes.drain(NODE, OURS)
    assert cluster.evicted == ["web", "db"]
    assert await kubernetes.duty(NODE) == Duty(jobs=duty.jobs, open=False, reason=OURS)


async def test_a_disruption_budget_holds_a_pod_back_until_it_allows_the_eviction(cluster: KubernetesStandIn) -> None:
    cluster.pod("web", "gpu-001", "ReplicaSet")
    cluster.budget.add("web")
    kubernetes = driver(cluster)
    await kubernetes.drain(NODE, OURS)
    duty = await kubernetes.duty(NODE)
    assert duty is not None
    assert (duty.moving, duty.open, cluster.evicted) == (("pod team/web",), False, [])
    cluster.budget.clear()
    await kubernetes.drain(NODE, OURS)
    assert cluster.evicted == ["web"]


async def test_an_administrator_who_changes_the_node_in_the_same_moment_wins(cluster: KubernetesStandIn) -> None:
    cluster.raced = True
    with pytest.raises(Transient, match="same moment"):
        await driver(cluster).drain(NODE, OURS)
    assert not cluster.nodes["gpu-001"]["spec"]


async def test_it_says_who_refuses_and_who_is_silent(cluster: KubernetesStandIn) -> None:
    with pytest.raises(AuthenticationFailed, match="token"):
        await driver(cluster, "wrong").duty(NODE)
    cluster.broken = True
    with pytest.raises(Unreachable, match="500"):
        await driver(cluster).duty(NODE)
    with pytest.raises(Unreachable, match="did not answer"):
        await Kubernetes("http://127.0.0.1:1", lambda: TOKEN).duty(NODE)


async def test_a_silent_node_is_not_present_and_a_node_is_known_by_its_full_name_where_the_site_says_so(
    cluster: KubernetesStandIn,
) -> None:
    cluster.node("gpu-001.example.org", ready=False)
    node = desired(dns_name="gpu-001.example.org")
    full = Kubernetes(cluster.url, lambda: TOKEN, names=NodeNames.FULL)
    assert await full.duty(node) == Duty(present=False)
    assert await driver(cluster).duty(node) == Duty()
    with pytest.raises(Refused, match="no host name"):
        await full.duty(desired(name="GPU 1 / rack"))
