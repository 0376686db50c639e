"""A set of one version: what a site's store held at one moment of a run, as stored bytes, and how its machine stood.

One file a moment, ``tests/golden/<version>/<moment>.jsonl``. The first line says what isn't in the store: settings, machine,
and what the run came to when the version itself went on with it. Each further line is a record as it was stored: key, place
in the stream, the server's time, and its bytes as text.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from boot.token import Claim
from tests.fakes.world import Installed, World
from tests.workflows.site import Site
from workflows.engine.ports import BootTarget, Power
from workflows.engine.standing import Standing, of_node
from workflows.model.command import Verb
from workflows.model.desired import Desired
from workflows.model.grant import Grant, GrantState
from workflows.model.settings import SiteSettings

HERE = Path(__file__).parent
#: What a person does who helps a run on, by how it stands.
_HELP = {
    Standing.APPROVAL: Verb.APPROVE,
    Standing.FULL: Verb.APPROVE,
    Standing.FAULT: Verb.RETRY,
    Standing.UNRELEASED: Verb.RETRY,
    Standing.HELD: Verb.UNHOLD,
}
_LOOKS = 40
_BETWEEN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Golden:
    """One moment: its head and its records."""

    head: dict[str, Any]
    records: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, path: Path) -> "Golden":
        """What was written."""
        head, *records = [json.loads(line) for line in path.read_text().splitlines()]
        return cls(head, tuple(records))

    @classmethod
    async def of(cls, site: Site) -> "Golden":
        """A site as it stands now."""
        records = tuple(
            {"key": v.key, "seq": v.seq, "at": v.time.isoformat(), "data": (v.data or b"").decode()}
            for v in await site.store.list(">")
        )
        return cls({"settings": site.settings.encode().decode(), "machine": _machine(site.world)}, records)

    def write(self, path: Path) -> None:
        """As ``read`` takes it."""
        path.write_text("".join(json.dumps(each) + "\n" for each in (self.head, *self.records)))

    async def site(self) -> Site:
        """The site, as it stood: each record at its place in the stream, at its time."""
        wish = next(r for r in self.records if r["key"].startswith("desired."))
        site = Site(
            wish=Desired.decode(wish["data"].encode()), settings=SiteSettings.decode(self.head["settings"].encode())
        )
        for record in self.records:
            while site.store.sequence < record["seq"] - 1:
                await site.store.put("lease.nobody", b"", expect=(await site.store.get("lease.nobody")).seq)
            await site.clock.advance(datetime.fromisoformat(record["at"]) - site.clock.now())
            await site.store.put(
                record["key"], record["data"].encode(), expect=(await site.store.get(record["key"])).seq
            )
        site.boot_side.know(site.wish)
        await _set_up(site, self.head["machine"])
        return site


async def at_rest(site: Site) -> dict[str, object]:
    """What the run comes to, where its machine says its last word and a person helps it on: in the words of its users."""
    sent = site.sent = 1000
    for _ in range(_LOOKS):
        await site.write_back()
        view = await site.tend(site.worker("today"))
        verb = _HELP.get(of_node(view))
        if site.world.silent:
            await site.world.report()
        elif verb is not None and site.sent < sent + 3:
            await site.command(verb, who="bob")
        elif view.open_run is None or verb is not None:
            break
        await site.clock.advance(_BETWEEN)
    return {"state": view.status.state, "outcome": view.status.outcome, "wipes": site.world.wipes}


def _machine(world: World) -> dict[str, object]:
    there = world.installed
    return {
        "serial": world.serial,
        "power": world.power,
        "boot": world.boot,
        "boots": world.boots,
        "up": world.up,
        "mark": world.mark,
        "sessions": world.sessions,
        "installed": [there.grant, there.root_uuid, there.host_key] if there is not None else None,
        "writes": world.silent,
    }


async def _set_up(site: Site, machine: dict[str, Any]) -> None:
    world = site.world
    world.serial, world.boots, world.up, world.mark = (machine[k] for k in ("serial", "boots", "up", "mark"))
    world.power, world.boot, world.sessions = Power(machine["power"]), BootTarget(machine["boot"]), machine["sessions"]
    world.installed = Installed(*machine["installed"]) if machine["installed"] else None
    if machine["writes"]:
        grants = [Grant.decode(v.data or b"") for v in await site.store.list("grant.>")]
        grant = next(g for g in grants if g.state is GrantState.TAKEN)
        world.took(Claim(grant.node, grant.cause, grant.attempt), grant)
