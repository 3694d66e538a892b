"""Take pictures of the page with the canned workspace, to look at: desktop and phone, light and dark."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.rehearsal.slack.page import canned
from tests.rehearsal.slack.page.fake_server import FakeServer

OUT = Path("build/page")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
SIZES = {"desktop": {"width": 1280, "height": 820}, "phone": {"width": 390, "height": 844}}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    server = FakeServer(canned.WORKSPACE, canned.MESSAGES)
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        for size, viewport in SIZES.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport=viewport, color_scheme=scheme)
                page = context.new_page()
                server.workspace["modals"] = []
                for name, place in {
                    "room": f"channel={canned.ROOM}",
                    "general": f"channel={canned.GENERAL}",
                    "home": "app=A0WATCH",
                }.items():
                    page.goto("about:blank")
                    page.goto(f"{server.url}#user={canned.ADA}&{place}")
                    page.wait_for_selector("#scroller")
                    page.wait_for_timeout(250)
                    page.screenshot(path=OUT / f"{name}-{size}-{scheme}.png")
                server.workspace["modals"] = [canned.view("V1", "Restore a table", canned.FORM)]
                page.goto("about:blank")
                page.goto(f"{server.url}#user={canned.ADA}&channel={canned.ROOM}")
                page.wait_for_selector("dialog[open]")
                page.wait_for_timeout(250)
                page.screenshot(path=OUT / f"modal-{size}-{scheme}.png")
                server.answers["submit"] = {
                    "ok": False,
                    "errors": {"table": "There is no table of this name in ap-northeast-2."},
                }
                page.get_by_role("combobox", name="Region").click()
                page.wait_for_timeout(200)
                page.screenshot(path=OUT / f"select-{size}-{scheme}.png")
                page.get_by_role("option", name="Tokyo").click()
                page.get_by_role("button", name="Run").click()
                page.wait_for_timeout(300)
                page.screenshot(path=OUT / f"errors-{size}-{scheme}.png")
                server.workspace["modals"] = []
                server.emit(type="modal")
                page.wait_for_timeout(300)
                page.get_by_role("button", name="1 reply").click()
                if size == "desktop":
                    page.get_by_label("Message #inc-20261122-orders").press_sequentially("/d")
                    server.emit(
                        type="notice",
                        text="/dr failed because the app did not respond. Try it again, or ask who runs it.",
                    )
                page.wait_for_timeout(300)
                page.screenshot(path=OUT / f"thread-{size}-{scheme}.png")
                page.keyboard.press("Escape")
                page.get_by_role("button", name="Close thread").click() if size == "desktop" else None
                if size == "phone":
                    page.get_by_role("button", name="Show channels").click()
                    page.wait_for_timeout(300)
                    page.screenshot(path=OUT / f"drawer-{size}-{scheme}.png")
                    page.keyboard.press("Escape")
                page.get_by_role("button", name="Resolve").click()
                page.wait_for_timeout(200)
                page.screenshot(path=OUT / f"confirm-{size}-{scheme}.png")
                context.close()
        browser.close()
    server.stop()


if __name__ == "__main__":
    sys.exit(main())
