"""A machine that never comes: what BMC and boot service know of it is kept, and said where people look."""

import re
from datetime import timedelta

import pytest

from lab.memory.evidence import MemoryEvidence
from tests.workflows.samples import NOON
from tests.workflows.site import Site
from workflows.model.errors import Unreachable
from workflows.model.hardware import LogLine
from workflows.model.journal import Entry, Kind
from workflows.model.silence import Silence
from workflows.steps.deploy import COMES_WITHIN
from workflows.steps.silence import since

pytestmark = pytest.mark.fast


def line(time: str, text: str) -> LogLine:
    return LogLine(time=time, severity="Critical", text=text, log="SEL")


async def failure(site: Site) -> str:
    """Why the machine's first try failed, as its journal says it."""
    await site.want()
    await site.tend()
    await site.clock.advance(COMES_WITHIN + timedelta(minutes=1))
    await site.tend()
    entries = [Entry.decode(v.data) for v in await site.store.list("journal.>") if v.data is not None]
    return next(entry.reason for entry in entries if entry.kind is Kind.FAILED)


async def kept(site: Site, reason: str) -> Silence:
    found = re.search(r"bringup kept ([0-9a-f]{64})", reason)
    assert found is not None, reason
    return Silence.decode(await site.evidence.get(found[1]))


async def test_log_post_and_what_was_served_are_kept_and_the_newest_is_said() -> None:
    site = Site()
    site.world.ignores_network = True
    site.world.progress = "MemoryInitializationStarted"
    now = site.clock.now()
    old, new = (now - timedelta(days=3)).isoformat(), (now + timedelta(minutes=2)).isoformat()
    site.world.log = [line(old, "fan"), *[line(new, f"PCIe error {n}") for n in range(6)], line("", "no time")]
    reason = await failure(site)
    assert "POST at MemoryInitializationStarted, newest in the BMC's log: no time" in reason
    assert "the boot service never heard of it" in reason
    silence = await kept(site, reason)
    assert [e.text for e in silence.events] == [*(f"PCIe error {n}" for n in range(6)), "no time"]
    assert (silence.power, silence.progress, silence.gaps) == ("on", "MemoryInitializationStarted", ())


async def test_a_bmc_that_tells_nothing_is_a_gap_and_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    site.world.ignores_network = True

    async def no_log(self: object, limit: int) -> tuple[LogLine, ...]:
        raise Unreachable("BMC x did not answer")

    monkeypatch.setattr("tests.fakes.world.WorldBmc.events", no_log)
    reason = await failure(site)
    assert (await kept(site, reason)).gaps == ("BMC: BMC x did not answer",)


async def test_evidence_that_can_not_be_kept_is_said_to_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    site.world.ignores_network = True

    async def full(self: object, data: bytes) -> str:
        raise Unreachable("the object store is full")

    await site.want()
    await site.tend()
    monkeypatch.setattr(MemoryEvidence, "put", full)
    await site.clock.advance(COMES_WITHIN + timedelta(minutes=1))
    await site.tend()
    entries = [Entry.decode(v.data) for v in await site.store.list("journal.>") if v.data is not None]
    (reason,) = [entry.reason for entry in entries if entry.kind is Kind.FAILED]
    assert "never came to the boot service" in reason
    assert "it could not be kept: the object store is full" in reason


def test_lines_of_before_the_run_are_left_out_unless_the_clock_seems_wrong() -> None:
    new, old = (NOON + timedelta(minutes=1)).isoformat(), "2019-01-01T00:00:00Z"
    many = tuple(line(new, str(n)) for n in range(5))
    assert since((line(old, "old"), *many), NOON) == many
    wrong = tuple(line("1970-01-01T00:00:07", str(n)) for n in range(9))
    assert since(wrong, NOON) == wrong[-5:]
    assert since(wrong, None) == wrong
