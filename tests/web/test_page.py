"""The page in a real Chromium: what people see and press, on a desk, in the dark and on a phone in a cold aisle."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, CDPSession, expect

from tests.fakes.web_site import WebSite, web_site
from tests.web.conftest import signed_in
from workflows.model.status import NodeState

pytestmark = pytest.mark.real

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
_BURSTS = 6
HOSTILE = "<img src=x onerror=\"document.body.dataset.hit='yes'\">"


async def test_what_needs_a_person_comes_first_and_a_filter_narrows_the_racks(
    browser: Browser, served: WebSite
) -> None:
    page = await signed_in(browser, served)
    await expect(page.locator("#people-title")).to_have_text("Needs a person: 18")
    await expect(page.locator(".people li").first).to_contain_text("burn-in: gpu.count")
    await page.get_by_role("button", name=re.compile("running")).click()
    await expect(page.get_by_text("8 of 48 nodes")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("R15")
    await expect(page.locator(".rack")).to_have_count(1)
    assert page.wrong == []  # type: ignore[attr-defined]


async def test_a_change_shows_itself_without_loading_anew(browser: Browser, served: WebSite) -> None:
    page = await signed_in(browser, served)
    slot = page.get_by_role("link", name=re.compile("^gpu-024,"))
    await expect(slot).to_have_accessible_name("gpu-024, in service")
    await served.status("lab.nb-24", state=NodeState.FAILED, reason="the disk is gone")
    await expect(slot).to_have_accessible_name("gpu-024, failed")
    await expect(page.locator("#people-title")).to_have_text("Needs a person: 19")


async def test_a_command_is_shown_first_and_then_sent_in_the_persons_name(browser: Browser, served: WebSite) -> None:
    page = await signed_in(browser, served)
    await page.goto(f"{served.url}/#/node/lab.nb-15")
    await page.get_by_role("button", name="adopt", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("by BMC reads alone")
    await page.get_by_label("Why").fill(HOSTILE)
    await dialog.get_by_role("button", name="adopt 1 node").click()
    await expect(page.locator("#told")).to_contain_text("adopt was taken for 1 of 1 nodes")
    asked = (await served.site.store.get("request.lab.nb-15")).data
    assert asked is not None
    assert b'"who":"ann"' in asked


async def test_what_destroys_data_must_be_typed_and_the_viewer_has_no_buttons(
    browser: Browser, served: WebSite
) -> None:
    page = await signed_in(browser, served)
    await page.goto(f"{served.url}/#/node/lab.nb-1")
    await page.get_by_role("button", name="reimage").click()
    send = page.get_by_role("dialog").get_by_role("button", name="reimage 1 node")
    await expect(send).to_be_disabled()
    await page.locator("#typed").fill("gpu-002")
    await expect(send).to_be_disabled()
    await page.locator("#typed").fill("gpu-001")
    await expect(send).to_be_enabled()
    looking = await signed_in(browser, served, who="vic")
    await expect(looking.locator(".do button")).to_have_count(0)


async def test_a_node_tells_its_run_its_log_and_its_record(browser: Browser, served: WebSite) -> None:
    page = await signed_in(browser, served)
    await page.get_by_role("link", name=re.compile("^gpu-001,")).click()
    await expect(page.get_by_role("listitem", name=re.compile(r"^deploy: .* usually"))).to_be_visible()
    await expect(page.locator(".journal")).to_contain_text("approved by ann")
    await page.locator("details.log summary").click()
    await expect(page.locator("details.log pre")).to_contain_text("<script>alert(1)</script>")
    await expect(page.locator("dl")).to_contain_text("SN1")
    await page.keyboard.press("Escape")
    await expect(page.locator(".rack").first).to_be_visible()


async def test_names_and_reasons_from_outside_never_become_markup(browser: Browser, served: WebSite) -> None:
    page = await signed_in(browser, served)
    view = served.live.view("lab.nb-2")
    assert view is not None
    wish = view.desired.model_copy(update={"name": HOSTILE, "rack": HOSTILE})
    await served.put(wish, view.status.model_copy(update={"reason": HOSTILE, "next_action": HOSTILE}))
    await expect(page.get_by_role("region", name=f"Rack {HOSTILE}")).to_be_attached()
    await page.goto(f"{served.url}/#/node/lab.nb-2")
    await expect(page.locator("h1")).to_contain_text(HOSTILE)
    assert await page.evaluate("[document.body.dataset.hit, document.querySelectorAll('img').length]") == [None, 0]


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")], ids=["desk", "dark", "phone"]
)
async def test_it_fits_the_screen_and_axe_finds_nothing_to_complain_of(
    browser: Browser, served: WebSite, size: dict[str, int], scheme: str
) -> None:
    page = await signed_in(browser, served, viewport=size, color_scheme=scheme, bypass_csp=True)
    for view in ("#/", "#/node/lab.nb-1"):
        await page.goto(f"{served.url}/{view}")
        await expect(page.locator(".rack, .journal li").first).to_be_attached()
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{view} is {wide} pixels wider than the screen"
        found = await Axe().run(page)
        said = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found.response["violations"]]
        assert said == []


async def test_the_keyboard_walks_the_racks(browser: Browser, served: WebSite) -> None:
    page = await signed_in(browser, served, viewport=DESK)
    await page.get_by_role("link", name=re.compile("^gpu-008,")).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        await page.keyboard.press(key)
    assert await page.evaluate("document.activeElement.getAttribute('aria-label')") == "gpu-016, in service"


async def test_two_thousand_machines_stay_smooth(browser: Browser, tmp_path: Path) -> None:
    """Fifty nodes that change at once cost the page under 80 ms of its thread's own time, however busy the host."""
    async with web_site(tmp_path, nodes=2000) as site:
        page = await signed_in(browser, site, viewport=DESK)
        await expect(page.get_by_text("2000 nodes")).to_be_visible()
        drawn = await page.locator(".slot").count()
        assert drawn < 1000, "what is out of sight must not be drawn"
        measured = await page.context.new_cdp_session(page)
        await measured.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = await _busy(measured)
        for burst in range(_BURSTS):
            for number in range(2, 52):
                await site.status(f"lab.nb-{number}", reason=f"burst {burst}")
            link = page.locator('.slot a[href="#/node/lab.nb-7"]')
            await expect(link).to_have_attribute("title", re.compile(f"burst {burst}$", re.M))
        spent = (await _busy(measured) - before) / _BURSTS
        assert spent < 0.08, f"{spent * 1000:.0f} ms of the page's thread for each burst"


async def _busy(measured: CDPSession) -> float:
    """Seconds that the page's main thread has worked so far, by its own clock."""
    metrics = (await measured.send("Performance.getMetrics"))["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))
