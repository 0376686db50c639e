"""The page over a site in memory, and a real Chromium to look at it with."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.fakes.web_site import TOKENS, WebSite, web_site

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(tmp_path) as site:
        yield site


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here: setup/packages test installs it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        await browser.close()


async def signed_in(browser: Browser, site: WebSite, who: str = "ann", **context: object) -> Page:
    """A page of that person, at the fleet. A script error, or a breach of the content policy, fails the test at its end."""
    page = await (await browser.new_context(**context)).new_page()  # type: ignore[arg-type]
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.wrong = wrong  # type: ignore[attr-defined]
    await page.goto(site.url)
    await page.fill("#token", TOKENS[who])
    await page.click("button[type=submit]")
    await page.wait_for_selector(".rack")
    return page
