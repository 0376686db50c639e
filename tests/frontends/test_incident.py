"""A run's record: complete, in order, with who decided, and nothing from outside as markup."""

from datetime import timedelta

import pytest

from frontends.cli.incident import _report
from frontends.incident import incident
from frontends.run_story import Story, story
from frontends.site import ConnectedSite
from tests.workflows.site import Site
from workflows.model.settings import Mode, SiteSettings
from workflows.model.verdict import Verdict

pytestmark = pytest.mark.fast

HOSTILE = "| **x** <script>alert(1)</script>\n# Run"


async def told(site: Site, cause: str = "g1") -> Story:
    return await story(site.store, "lab.nb-1", cause)


async def written(site: Site) -> str:
    run = await told(site)
    seen = ConnectedSite(site.store, site.bus, site.clock, site.evidence, site.settings, "ann")
    return incident(run, await _report(seen, run), site.clock.now())


async def supervised() -> Site:
    site = Site(settings=SiteSettings(site="lab", mode=Mode.SUPERVISED))
    await site.want()
    await site.tend()
    return site


async def test_it_says_what_was_asked_who_decided_what_happened_and_on_what_evidence() -> None:
    site = await supervised()
    await site.clock.advance(timedelta(minutes=7))
    await site.command("approve")
    await site.tend()
    page = await written(site)
    assert page.startswith("# Run lab.nb-1.g1: provision of gpu-001 ended: succeeded")
    decided = page.partition("## Decisions")[2].partition("## What happened")[0]
    assert "2026-01-01 00:07:00 **approved** by ann, command 101" in decided
    happened = page.partition("## What happened")[2].partition("## How long")[0]
    told_ = [line.split("|")[2].strip() for line in happened.splitlines() if "| done |" in line]
    assert told_ == [s.name.replace("_", "\\_") for s in (await told(site)).run.steps]
    assert (await told(site)).report() in page
    assert (await told(site)).state.approved in page


async def test_a_failed_check_stands_with_its_verdict_and_a_run_nobody_decided_on_says_so() -> None:
    site = Site()
    site.world.verdict = Verdict.FAIL
    await site.want()
    await site.tend()
    page = await written(site)
    assert "ended: failed" in page
    assert "1 against the node" in page
    assert "Nobody decided anything" in page


async def test_an_open_run_says_that_it_is_open() -> None:
    page = await written(await supervised())
    assert "is open" in page.splitlines()[0]
    assert "this record ends where the run stands now" in page


async def test_words_from_outside_are_quoted() -> None:
    site = await supervised()
    body = f'{{"select": "gpu-001", "reason": "{HOSTILE.replace(chr(10), chr(92) + "n")}"}}'.encode()
    await site.command("deny", body)
    await site.tend()
    page = await written(site)
    assert "\\<script\\>alert(1)\\</script\\>" in page
    assert "<script>" not in page
    assert [line for line in page.splitlines() if line.startswith("# ")] == [page.splitlines()[0]]
    rows = [line for line in page.partition("## What happened")[2].splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}
