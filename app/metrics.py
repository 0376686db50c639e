"""Wires a service's metrics: one registry a process, its counters, the site's gauges where asked, and the endpoint."""

import asyncio
from dataclasses import dataclass, field, replace

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from app.boot import listener
from app.worker import Ports
from frontends.live import LiveSite
from frontends.metrics.counters import CountedJudge, Counters, TimedBus
from frontends.metrics.endpoint import serve_metrics
from frontends.metrics.site import SiteCollector
from workflows.engine.ports import Bus, Clock


@dataclass(slots=True)
class Metrics:
    """Those of one process."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    counters: Counters = field(init=False)

    def __post_init__(self) -> None:
        self.counters = Counters(self.registry)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def over(self, ports: Ports) -> Ports:
        """A worker's ports, counted."""
        bus = self.timed(ports.bus, ports.clock)
        return replace(ports, bus=bus, judge=CountedJudge(ports.judge, self.counters))

    def timed(self, bus: Bus, clock: Clock) -> Bus:
        """A bus that measures how old its messages are when they are taken in hand."""
        return TimedBus(bus, clock, self.counters)

    def show(self, live: LiveSite, clock: Clock) -> None:
        """Show the site's gauges too; ``live`` is followed elsewhere."""
        self.registry.register(SiteCollector(live, clock))

    async def serve(self, where: str | None) -> None:
        """Answer until cancelled; without a listener just wait. Raises BadInput where it can't be bound."""
        if where is not None:
            await serve_metrics(self.registry, listener(where))
        await asyncio.Event().wait()
