"""How the site stands, as gauges computed from the live site when Prometheus asks: nothing is kept, nothing can drift."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from frontends.live import LiveSite
from frontends.read_model import Awaits, awaits, overdue
from workflows.engine.ports import Clock
from workflows.model.status import NodeState


class SiteCollector(Collector):
    """One a process; register it with the process's registry."""

    def __init__(self, live: LiveSite, clock: Clock) -> None:
        self._live, self._clock = live, clock

    def collect(self) -> Iterator[Metric]:
        """The gauges, as of now."""
        now, views = self._clock.now(), self._live.views()
        states = Counter(v.status.state for v in views)
        nodes = GaugeMetricFamily("bringup_nodes", "Nodes of the site by state", labels=("state",))
        for state in NodeState:
            nodes.add_metric((state.value,), states[state])
        yield nodes
        waits: Counter[tuple[Awaits, str]] = Counter()
        late: Counter[tuple[str, str]] = Counter()
        oldest = dict.fromkeys(Awaits, 0.0)
        for view in views:
            status = view.status
            if (why := awaits(view)) is not None:
                waits[why, status.step] += 1
                if status.since is not None and why is not Awaits.RECORD:
                    oldest[why] = max(oldest[why], (now - status.since).total_seconds())
            if overdue(status, now):
                late[status.workflow, status.step] += 1
        waiting = GaugeMetricFamily(
            "bringup_waits", "Nodes that wait, by what for and at which step", labels=("awaits", "step")
        )
        for (why, step), number in sorted(waits.items()):
            waiting.add_metric((why.value, step), number)
        yield waiting
        longest = GaugeMetricFamily("bringup_longest_wait_seconds", "The longest of these waits", labels=("awaits",))
        for why, seconds in oldest.items():
            longest.add_metric((why.value,), seconds)
        yield longest
        stuck = GaugeMetricFamily(
            "bringup_overdue_nodes", "Nodes past the deadline of their wait", labels=("workflow", "step")
        )
        for (workflow, step), number in sorted(late.items()):
            stuck.add_metric((workflow, step), number)
        yield stuck
        campaigns = GaugeMetricFamily("bringup_campaigns", "Campaigns that are not over, by state", labels=("state",))
        for state_of, number in sorted(Counter(c.state for c in self._live.campaigns.values() if c.live).items()):
            campaigns.add_metric((state_of.value,), number)
        yield campaigns
