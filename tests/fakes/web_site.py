"""The web page over a site in memory with nodes in every state, for a browser: one run is real, the rest is as shown.

Time goes on from where the real run's virtual time ended, so ages and estimates are the same in every test.
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from aiohttp import web

from frontends.live import LiveSite
from frontends.plan import Known
from frontends.site import ConnectedSite
from frontends.web.page import Page
from frontends.web.people import People, digest_of
from lab.memory.clock import LocalClock
from tests.workflows.samples import desired
from tests.workflows.site import Site
from workflows.catalog import STEPS, WORKFLOWS
from workflows.engine.campaign import Preview
from workflows.engine.commands import Commands
from workflows.engine.ports import Guard
from workflows.model.desired import Desired
from workflows.model.keys import NodeKey
from workflows.model.settings import Mode, SiteSettings
from workflows.model.status import NodeState, NodeStatus, StepTiming

TOKENS = {"ann": "token-of-ann", "bob": "token-of-bob", "vic": "token-of-vic"}
PEOPLE = {
    "ann": {"role": "approver"},
    "bob": {"role": "operator", "racks": ["R12"], "at_most": 4},
    "vic": {"role": "viewer"},
}
_STEPS = WORKFLOWS["provision"].steps
_PER_RACK = 8


class GoingOn(LocalClock):
    """Real time, moved to where another clock stood."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._moved = start - super().now()

    def now(self) -> datetime:
        """The time there."""
        return super().now() + self._moved


@dataclass
class WebSite:
    """A served page. ``url`` has its port; ``token`` is nobody's but the page's people's."""

    site: Site
    clock: GoingOn
    live: LiveSite
    people: Path
    url: str

    async def put(self, wish: Desired, status: NodeStatus | None) -> None:
        """Store a node as the inventory and a worker would."""
        for key, record in ((f"desired.{wish.node}", wish), (f"status.{wish.node}", status)):
            if record is not None:
                before = await self.site.store.get(key)
                await self.site.store.put(key, record.encode(), expect=before.seq)

    async def status(self, node: NodeKey, **changes: object) -> None:
        """Change a node's status."""
        value = await self.site.store.get(f"status.{node}")
        before = NodeStatus.decode(value.data) if value.data is not None else NodeStatus(node=node)
        changed = before.model_copy(update=changes)
        await self.site.store.put(value.key, changed.encode(), expect=value.seq)


@asynccontextmanager
async def web_site(directory: Path, nodes: int = 48) -> AsyncIterator[WebSite]:
    """Serve it until the block ends. ``gpu-001`` was really provisioned, in virtual time."""
    site = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED, four_eyes=True))
    _takes_time(site)
    await site.want()
    await site.tend()
    await site.clock.advance(timedelta(seconds=40))
    await site.command("approve")
    await site.tend()
    site.bus.log("lab.nb-1.g1", "configure", b"<script>alert(1)</script> changed: base: install packages")
    clock = GoingOn(site.clock.now())
    people = directory / "people.yaml"
    held = {name: PEOPLE[name] | {"token_sha256": digest_of(token)} for name, token in TOKENS.items()}
    people.write_text(yaml.safe_dump({"people": held}))
    live = LiveSite(site.store, "lab")
    seen = ConnectedSite(site.store, site.bus, clock, site.evidence, site.settings, "web")
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    page = Page(seen, live, People(people), Known(STEPS, WORKFLOWS, lambda _sku: ()), url)
    made = WebSite(site, clock, live, people, url)
    for number in range(1, nodes + 1):
        wish = _wish(number)
        await made.put(wish, None if number == 1 else _status(wish, number, clock.now()))
    consumer = Commands(
        site.store, site.bus, clock, site.settings, Preview(site.settings, STEPS, WORKFLOWS), live.desired
    )
    tasks = [asyncio.create_task(live.follow()), asyncio.create_task(consumer.serve())]
    runner = web.AppRunner(page.application(), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        while len(live.desired()) < nodes:
            await live.news(live.revision)
        yield made
    finally:
        await runner.cleanup()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _takes_time(site: Site) -> None:
    """Each entry of a journal is written some seconds after the one before it."""
    append, seconds = site.store.append, itertools.cycle((2, 5, 9, 3, 12))

    async def later(key: str, data: bytes, *, guard: Guard) -> int:
        if key.startswith("journal."):
            await site.clock.sleep(timedelta(seconds=next(seconds)))
        return await append(key, data, guard=guard)

    site.store.append = later  # type: ignore[method-assign]


def _wish(number: int) -> Desired:
    place = (number - 1) % _PER_RACK
    return desired(
        f"gpu-{number:03}",
        node=f"lab.nb-{number}",
        rack=f"R{12 + (number - 1) // _PER_RACK}",
        position=float(4 + place * 4 + (6 if place > 3 else 0)),
        status="staged",
        bmc={"address": f"https://10.20.{number // 250}.{number % 250 + 1}"},
        problems=("it has no serial number: fill the device's field 'serial'",) if number % 31 == 17 else (),
    )


def _status(wish: Desired, number: int, now: datetime) -> NodeStatus:
    """One in three is at work or asks for somebody; the rest is in service and tells how long things take."""
    label, serial = wish.label, wish.serial
    base = NodeStatus(node=wish.node, label=label, generation=1, serial=serial)
    step = number % (len(_STEPS) - 2) + 1
    run = {
        "run": f"{wish.node}.g1", "cause": "g1", "workflow": "provision", "step": _STEPS[step], "step_index": step,
        "step_count": len(_STEPS), "attempt": 1, "since": now - timedelta(minutes=number % 7 + 1),
        "step_since": now - timedelta(seconds=2 + number % 5), "deadline": now + timedelta(hours=1),
    }  # fmt: skip
    if number % 31 == 17:
        return base
    match number % 24:
        case 2 | 10:
            said = "2 disks match the profile's hint (WWN 5000c500a1, 5000c500a2): name one in the sku"
            return base.model_copy(
                update=run | {"state": NodeState.PARKED, "step": "deploy", "reason": said,
                              "next_action": "retry or cancel once it is clear"}
            )  # fmt: skip
        case 3 | 12:
            return base.model_copy(
                update=run | {"state": NodeState.PARKED, "digest": "d" * 64, "next_action": "approve or deny it",
                              "reason": "provision of this node waits for approval"}
            )  # fmt: skip
        case 4 | 18:
            failed = "burn-in: gpu.count : fail 7 of 8 GPUs answer"
            return base.model_copy(
                update=run | {"state": NodeState.FAILED, "outcome": "failed", "reason": failed, "step": "",
                              "next_action": "mend what failed, then retry"}
            )  # fmt: skip
        case 5:
            held = {
                "state": NodeState.HELD,
                "reason": "held by ann: rack is being recabled",
                "next_action": "unhold it",
            }
            return base.model_copy(update=run | held)
        case 6:
            late = {
                "state": NodeState.WAITING, "deadline": now - timedelta(minutes=4), "step": "power_on",
                "reason": "the machine hasn't asked for its script yet", "next_action": "bringup looks again by itself",
            }  # fmt: skip
            return base.model_copy(update=run | late)
        case 7 | 8 | 9 | 11:
            return base.model_copy(
                update=run | {"state": NodeState.RUNNING, "reason": f"{_STEPS[step]} began",
                              "next_action": "bringup goes on by itself"}
            )  # fmt: skip
        case 13 | 14:
            return base.model_copy(
                update=run | {"state": NodeState.WAITING, "reason": "the machine writes its disk: 41 of 107 MB",
                              "next_action": "bringup looks again by itself", "step": "deploy"}
            )  # fmt: skip
        case 15:
            return base
    times = {name: 4 + 5 * i % 9 + number % 7 for i, name in enumerate(_STEPS)}
    return base.model_copy(
        update={
            "state": NodeState.IN_SERVICE, "run": f"{wish.node}.g1", "cause": "g1", "workflow": "provision",
            "outcome": "succeeded", "accepted_run": f"{wish.node}.g1", "accepted_at": now - timedelta(days=2),
            "reason": "in service", "since": now - timedelta(days=2),
            "timings": tuple(StepTiming(step=n, seconds=float(t)) for n, t in times.items()),
        }
    )  # fmt: skip
