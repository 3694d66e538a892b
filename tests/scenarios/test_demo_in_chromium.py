"""The demo's story, clicked by hand in real Chromium. Screenshots of what a person sees are kept under build/demo/."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.rehearsal.shop import ORDERS_ALARM, TABLE
from bot.rehearsal.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CHROMIUM = Path("/usr/bin/chromium")
SHOTS = Path(__file__).parents[2] / "build" / "demo"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic"]  # fmt: skip
PATIENCE = 60_000


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():  # noqa: ASYNC240  # one look, before anything runs
        reason = f"there is no {CHROMIUM}: apt-get install -y chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


async def _shoot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png")


async def _press(page: Page, action: str) -> None:
    button = page.locator(f"[data-action='{action}']").last
    await expect(button).to_be_visible(timeout=PATIENCE)
    await button.click()


@pytest.mark.parametrize(
    ("language", "size"), [("en", (1280, 860)), ("ko", (390, 844))], ids=["desktop-english", "phone-korean"]
)
async def test_a_person_restores_the_table_by_clicking(
    browser: Browser, tmp_path: Path, language: str, size: tuple[int, int]
) -> None:
    kind = f"{language}-{size[0]}"
    async with Stage(tmp_path, language=language, restore_seconds=2.0) as stage:
        await stage.start_bot()
        await stage.subscribe()
        page = await browser.new_page(viewport={"width": size[0], "height": size[1]}, locale=f"{language}-KR")
        page.set_default_timeout(PATIENCE)
        await asyncio.to_thread(stage.shop.corrupt_orders)
        mina = stage.slack.person("mina")
        await mina.waits_until(lambda: any(ORDERS_ALARM in mina.reads(m) for m in mina.direct_messages()), timeout=60)

        direct = next(c.id for c in stage.slack.world.channels.values() if c.is_im and "UMINA" in c.members)
        await page.goto(f"{stage.slack.url}/#user=UMINA&channel={direct}")
        await expect(page.get_by_text(re.compile(ORDERS_ALARM)).first).to_be_visible(timeout=PATIENCE)
        await _shoot(page, f"{kind}-1-page")
        await _press(page, "incident.acknowledge")

        await mina.waits_until(lambda: bool(_rooms(stage)), "a room", timeout=60)
        await page.goto(f"{stage.slack.url}/#user=UMINA&channel={_rooms(stage)[0]}")
        await page.reload()
        await expect(page.locator("[data-action='playbook.open']").first).to_be_visible(timeout=PATIENCE)
        await _shoot(page, f"{kind}-2-card")
        await _press(page, "playbook.open")
        form = page.get_by_role("dialog")
        await expect(form.get_by_role("textbox").first).to_be_visible(timeout=PATIENCE)
        await _shoot(page, f"{kind}-3-form")
        await form.locator("button[type=submit]").click()
        await expect(page.locator("[data-action='run.approve']").last).to_be_visible(timeout=PATIENCE)
        await _shoot(page, f"{kind}-4-plan")
        await _press(page, "run.approve")
        await expect(page.locator("[data-action='step.yes']").last).to_be_visible(timeout=PATIENCE)
        await _shoot(page, f"{kind}-5-asking")
        await _press(page, "step.yes")
        await expect(page.locator("[data-action='run.abort']")).to_have_count(0, timeout=PATIENCE)
        await mina.waits_until(lambda: any(": ✅" in m.text for m in mina.messages(_rooms(stage)[0])), timeout=60)
        assert await asyncio.to_thread(stage.shop.current_table) != TABLE
        assert await asyncio.to_thread(stage.shop.bad_orders) == 0
        await _shoot(page, f"{kind}-6-restored")
        await _press(page, "incident.resolve")
        await page.get_by_role("dialog").locator("button[type=submit]").click()
        await expect(page.locator("[data-action='incident.resolve']")).to_have_count(0, timeout=PATIENCE)
        await _shoot(page, f"{kind}-7-resolved")


def _rooms(stage: Stage) -> list[str]:
    return [c.id for c in stage.slack.world.channels.values() if c.name.startswith("inc-")]
